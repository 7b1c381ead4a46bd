"""What `paint` and `repaint` share: from checked requests to saved files. Ctrl-C keeps what is finished."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.console import StoppedError, progress_bar, say, say_json, say_note
from impasto.cli.laid_over import NOTHING, LaidOver
from impasto.cli.looked_at import say_skipped
from impasto.cli.output import Output
from impasto.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.cli.avoid_copies import CopyAvoidance
    from impasto.painting.painter import Painter
    from impasto.painting.painting import Painting
    from impasto.painting.request import PaintRequest
    from impasto.prompts.artists import ArtistIndex

# Pocket's, for checking a request before anything is known about the checkpoint.
USUAL_SIDE = 128


@dataclass(frozen=True)
class Materials:
    """Which checkpoint paints, where and in which precision; checked without loading it.

    Attributes:
        side: pixels of a side of the pictures that the checkpoint was trained on.
        artists: whom it knows by name, `{"name", "works"}`; empty where nobody wrote it down.
        laid_over: LoRAs and concepts.
        works: how many its memory holds.
        painting_defaults: how it says itself that it is best painted with.
        has_guide: it holds the weaker U-Net of autoguidance.
    """

    checkpoint: str
    device: str
    precision: str
    side: int
    artists: Sequence[dict[str, Any]]
    laid_over: LaidOver = NOTHING
    works: int = 0
    painting_defaults: "PaintingDefaults | None" = None
    has_guide: bool = False

    @classmethod
    def check(
        cls, checkpoint: str, device: str, precision: str, laid_over: LaidOver = NOTHING
    ) -> "Materials":
        """The materials of these names.

        Raises:
            UsageError, MissingPart: an unknown device or precision; a checkpoint that is not there.
            ImpastoError: the checkpoint is broken.
        """
        from impasto.checkpoints.guide import has_guide
        from impasto.checkpoints.listing import inspect_checkpoint
        from impasto.checkpoints.model_card import read_artists
        from impasto.checkpoints.painting_defaults import read_painting_defaults
        from impasto.settings import choose_device, choose_precision

        choose_precision(precision, choose_device(device))
        info = inspect_checkpoint(checkpoint)
        artists = read_artists(info.path) if info.path.is_dir() else []
        folder = info.path if info.path.is_dir() else None
        own, guide = read_painting_defaults(folder), has_guide(folder)
        side = info.default_size or 512
        return cls(checkpoint, device, precision, side, artists, laid_over, info.works, own, guide)

    def resolve_artist(self, name: str) -> str:
        """The whole name of the artist whom the checkpoint knows by `name`; `name` where it names nobody.

        Raises:
            UsageError: it knows artists, and none of that name.
        """
        return self._known.resolve(name).name if name and self.artists else name

    def check_memory(self, request: "PaintRequest") -> None:
        """Raises UsageError where the checkpoint has no memory, and the request has another or a picture to be like."""
        if not self.works and (request.like or request.memory not in ("", "none")):
            from impasto.painting.memory.looking import lacking_memory

            raise UsageError(lacking_memory(self.checkpoint))

    def check_guider(self, request: "PaintRequest") -> None:
        """Raises UsageError where the request is to be led by a guide, and the checkpoint has none."""
        from impasto.checkpoints.guide import lacking_guide
        from impasto.painting.guidance.guiders import find_guider

        if find_guider(request.guider).worse == "guide" and not self.has_guide:
            raise UsageError(lacking_guide(self.checkpoint))

    @cached_property
    def _known(self) -> "ArtistIndex":
        from impasto.prompts.artists import Artist, ArtistIndex

        return ArtistIndex([Artist(row["name"], row["works"]) for row in self.artists])


def parse_size(size: str | None, width: int | None, height: int | None) -> tuple[int | None, int | None]:
    """(width, height) of `--size N` or `WxH`, unless `--width` or `--height` say otherwise; else None.

    Raises:
        UsageError: `size` is neither form.
    """
    if size is not None:
        parts = size.lower().replace("×", "x").split("x")
        if len(parts) > 2 or not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
            raise UsageError(f"size {size!r}: use pixels, such as 128 or 192x128")
        width = width if width is not None else int(parts[0])
        height = height if height is not None else int(parts[-1])
    return width, height


def paint_to_files(
    requests: Sequence["PaintRequest"],
    output: Output,
    materials: Materials,
    *,
    batch: int | None = None,
    preview_every: int = 0,
    as_json: bool = False,
    expected_hash: str = "",
    avoidance: "CopyAvoidance | None" = None,
) -> list[Path]:
    """Paints all requests and saves each painting as soon as it is finished; returns their paths.

    Args:
        requests: what to paint, in this order.
        output: where to.
        materials: with what.
        batch: how many at once; None for as many as fit.
        preview_every: how many steps apart `<stem>-preview-<number>.png` shows how far it is; 0 for never.
        as_json: one JSON object a painting on stdout instead of a line of text.
        expected_hash: say so if the checkpoint is another one.
        avoidance: paint again what looks like a training picture.

    Raises:
        StoppedError: Ctrl-C; what was finished is kept.
        ImpastoError: the checkpoint cannot be loaded, a painting cannot be saved, or copies were left out.
    """
    paths: list[Path] = []
    previews = _Previews(output)
    try:
        with progress_bar("loading", 1.0) as update:
            painter = load_painter(materials, requests, update)
            if expected_hash and painter.components.base_hash != expected_hash:
                say_note(f"{materials.checkpoint} is not the checkpoint it was painted with: it may differ")
            started = time.monotonic()
            paint = partial(
                painter.paint_many,
                batch_size=batch,
                preview_every=preview_every,
                on_preview=previews.show,
                on_step=lambda done, total: update(f"{len(paths) + 1} of {len(requests)}", done / total),
            )
            for painting in paint(requests) if avoidance is None else avoidance.paint(paint, requests):
                path = output.save(painting)
                paths.append(path)
                _report(painting, path, time.monotonic() - started, as_json)
    except KeyboardInterrupt:
        of = f"{len(paths)} of {len(requests)} paintings"
        raise StoppedError(
            f"stopped: {of} finished" + (f" and kept in {output.folder}" if paths else "")
        ) from None
    finally:
        previews.remove()
        output.tidy()
    return paths


def load_painter(
    materials: Materials, requests: Sequence["PaintRequest"], update: Callable[[str, float], None] = lambda what, share: None
) -> "Painter":
    """The painter of these materials; what it will not read of the requests' texts, LoRAs for other bases, and pictures of a
    memory that cannot be read are said. `update` hears of the pictures that are looked at.

    Raises:
        MissingPart, ImpastoError: the checkpoint or a memory cannot be loaded.
    """
    from impasto.painting.painter import Painter

    painter = Painter.load(
        materials.checkpoint,
        device=materials.device,
        precision=materials.precision,
        loras=materials.laid_over.loras,
        concepts=materials.laid_over.concepts,
    )
    materials.laid_over.say_other_bases(materials.checkpoint, painter.components.base_hash)
    for text in dict.fromkeys(text for request in requests for text in (request.condition.text(), request.negative)):
        if unread := painter.components.unread(text):
            say_note(f"the text encoder reads {painter.components.max_tokens} tokens; not read: {unread[:200]!r}")
    for memory in dict.fromkeys(request.memory for request in requests if request.looked_at is None):
        skipped = painter.open_memory(memory, lambda n, of: update(f"{n} of {of} pictures looked at", n / of))
        say_skipped(skipped)
    return painter


class _Previews:
    """`<stem>-preview-<number>.png` for each picture under way, replaced at each look, removed at the end."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._files: dict[int, Path] = {}

    def show(self, index: int, done: int, image: "Image.Image") -> None:
        del done
        if index not in self._files:
            self._files[index] = self._output.free_path("-preview")
        file = self._files[index]
        unfinished = file.with_suffix(".tmp")
        try:
            image.save(unfinished, format="PNG")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)

    def remove(self) -> None:
        for file in self._files.values():
            file.unlink(missing_ok=True)


def _report(painting: "Painting", path: Path, seconds: float, as_json: bool) -> None:
    """The file, its seed, and the seconds since painting began (a batch is finished together)."""
    if as_json:
        say_json({"file": path, "seconds": round(seconds, 2), **asdict(painting.provenance)}, indent=None)
    else:
        say(f"{path}  seed {painting.provenance.seed}  {seconds:.1f} s")
