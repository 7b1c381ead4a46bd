"""Merges the LoRAs that prompts ask for, `<lora:monet:0.8>`, and paints requests that ask for different ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from impasto.jobs.painting.adapters import Adapters, Say

if TYPE_CHECKING:
    from impasto.adapters.lora.files import Lora
    from impasto.checkpoints.components import Components
    from impasto.painting.painter import Painter
    from impasto.painting.painting import Painting
    from impasto.painting.request import PaintRequest
    from impasto.prompts.weights import LoraTag

Tags = tuple["LoraTag", ...]


def with_tags(adapters: Adapters, tags: Tags, folders: Sequence[str], say: Say) -> Adapters:
    """Returns the adapters with the LoRAs that the tags name: those among them at the tag's scale, others from the folders.

    `say` is called with each tag that names no LoRA; it is left out.

    Args:
        adapters: the adapters of the options.
        tags: the tags of one prompt; a name that comes twice counts once, with the sum of its scales.
        folders: folders of LoRAs before the usual ones (`lora_folders`).
        say: called with notes.

    Raises:
        UsageError, ImpastoError: a scale is out of its range; a LoRA's file is broken.
    """
    for name, scale, written in _summed(tags):
        place = next((n for n, (lora, _) in enumerate(adapters.loras) if _is_called(lora, name)), None)
        if place is not None:
            adapters = _at_scale(adapters, place, scale, written, say)
            continue
        found = _find(name, folders)
        if found is None:
            from impasto.adapters.lora.named import lora_folders

            places = ", ".join(map(str, lora_folders(folders)))
            put = f"put {name}.safetensors there, or give --lora FILE"
            say(f"{written} is left out: there is no LoRA {name} in {places}; {put}")
            continue
        adapters = replace(adapters, loras=(*adapters.loras, (found, _checked(1.0 if scale is None else scale))))
    return adapters


def _summed(tags: Tags) -> list[tuple[str, float | None, str]]:
    """Returns (name, scale, tag as written) of each LoRA."""
    found: dict[str, tuple[str, float | None, str]] = {}
    for tag in tags:
        name = tag.name.casefold()
        if name in found:
            former = found[name]
            both = (1.0 if former[1] is None else former[1]) + (1.0 if tag.scale is None else tag.scale)
            found[name] = former[0], both, f"{former[2]} {tag.written}"
        else:
            found[name] = tag.name, tag.scale, tag.written
    return list(found.values())


def _is_called(lora: "Lora", name: str) -> bool:
    from pathlib import PurePath

    path = PurePath(lora.path)
    return name.casefold() in {lora.name.casefold(), path.stem.casefold(), path.name.casefold(), lora.path.casefold()}


def _at_scale(adapters: Adapters, place: int, scale: float | None, written: str, say: Say) -> Adapters:
    lora, given = adapters.loras[place]
    if scale is None or scale == given:
        return adapters
    if given != 1.0:
        say(f"{written}: --lora gives {lora.name} the scale {given:g}, which counts")
        return adapters
    loras = list(adapters.loras)
    loras[place] = lora, _checked(scale)
    return replace(adapters, loras=tuple(loras))


def _checked(scale: float) -> float:
    from impasto.adapters.lora.merge import check_scale

    return check_scale(scale)


def _find(name: str, folders: Sequence[str]) -> "Lora | None":
    from impasto.adapters.lora.files import load_lora
    from impasto.adapters.lora.named import find_named_lora, lora_folders

    path = find_named_lora(name, lora_folders(folders))
    return None if path is None else load_lora(path)


class TaggedPainters:
    """Painters for requests whose prompts ask for different LoRAs; used as one `Painter`."""

    def __init__(self, painters: "dict[Tags, Painter]") -> None:
        self._painters = painters

    @property
    def components(self) -> "Components":
        """The checkpoint of the first painter; all have the same base."""
        return next(iter(self._painters.values())).components

    def paint_many(
        self,
        requests: "Sequence[PaintRequest]",
        *,
        on_preview: Callable[..., None] | None = None,
        on_step: Callable[[int, int], None] | None = None,
        **settings: Any,
    ) -> "Iterator[Painting]":
        """Paints requests in their order, as `Painter.paint_many`; neighbours with the same LoRAs share a painter."""
        first = 0
        for tags, group in groupby(requests, lambda request: request.tags):
            part = list(group)

            def step(done: int, total: int, before: int = first, count: int = len(part)) -> None:
                if on_step is not None:
                    on_step(round(1000 * (before + count * done / total)), 1000 * len(requests))

            def preview(number: int, *shown: Any, before: int = first) -> None:
                if on_preview is not None:
                    on_preview(before + number, *shown)

            yield from self._painters[tags].paint_many(part, on_step=step, on_preview=preview, **settings)
            first += len(part)
