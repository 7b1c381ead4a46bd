"""Plans the paintings of a reproduction and paints those that do not exist yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import is_painted, painting_key
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.reproduction.protocols import Sampling


@dataclass(frozen=True)
class PaintingCheckpoint:
    """A checkpoint for painting: its name as `--checkpoint` takes it, its content hash, and the pixels of a side."""

    checkpoint: str
    content_hash: str
    side: int

    @classmethod
    def of(cls, checkpoint: str) -> "PaintingCheckpoint":
        """Returns the checkpoint of this name; its weights are hashed, not loaded.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `inspect_checkpoint`.
        """
        info = inspect_checkpoint(checkpoint)
        return cls(checkpoint, info.content_hash, info.default_size or 512)


@dataclass(frozen=True)
class PlannedPainting:
    """One painting: its request, its record, and its file, which may not exist yet."""

    request: PaintRequest
    record: Provenance
    file: Path

    @property
    def entry(self) -> CatalogueEntry:
        """The painting as a catalogue entry, for the measures."""
        return CatalogueEntry(self.file, self.file.name)


@dataclass(frozen=True)
class PaintingSet:
    """Paintings by one checkpoint that are compared together."""

    source: PaintingCheckpoint
    wanted: tuple[PlannedPainting, ...]

    @property
    def files(self) -> list[Path]:
        """The files, in the order of the prompts."""
        return [one.file for one in self.wanted]

    @property
    def entries(self) -> list[CatalogueEntry]:
        """The catalogue entries, in the order of the prompts."""
        return [one.entry for one in self.wanted]


@dataclass(frozen=True)
class PaintingPrompt:
    """The input of one painting: the condition, its expanded caption if any, and the seed."""

    condition: Condition
    seed: int
    expansion: str = ""


def plan_set(folder: Path, source: PaintingCheckpoint, sampling: Sampling, asks: Sequence[PaintingPrompt]) -> PaintingSet:
    """Plans paintings in `folder`; a file name consists of a number and a key (hash) of all settings of the painting.

    Raises:
        UsageError: the sampling is invalid, or a text is no valid prompt.
    """
    wanted = []
    for number, ask in enumerate(asks):
        condition = replace(ask.condition, caption=ask.expansion) if ask.expansion else ask.condition
        request = PaintRequest(
            condition, seed=ask.seed, sampler=sampling.sampler, steps=sampling.steps, guidance=sampling.guidance,
            eta=sampling.eta, width=source.side, height=source.side,
            prompt=ask.condition.caption if ask.expansion else "", expansion=ask.expansion or None,
        )  # fmt: skip
        record = Provenance.of(request, source.checkpoint, source.content_hash)
        wanted.append(PlannedPainting(request, record, folder / f"{number:04}-{painting_key(record)[:12]}.png"))
    return PaintingSet(source, tuple(wanted))


def paint_sets(sets: Sequence[PaintingSet], on_share: Callable[[str, float], None], *, device: str = "auto") -> int:
    """Paints the missing paintings, one checkpoint after the other, and saves each painting as soon as it is finished.

    Args:
        on_share: called with (name of the step, share of all missing paintings that is done).

    Returns:
        The number of paintings that were painted.

    Raises:
        ImpastoError: a checkpoint cannot be loaded, a painting is not a number or cannot be saved. Saved paintings are
            kept.
    """
    from impasto.painting.painter import Painter

    missing: dict[PaintingCheckpoint, list[PlannedPainting]] = {}
    seen: set[Path] = set()
    for one in sets:
        for wanted in one.wanted:
            if wanted.file not in seen and not is_painted(wanted.file, wanted.record):
                missing.setdefault(one.source, []).append(wanted)
            seen.add(wanted.file)
    total, done = sum(map(len, missing.values())), 0
    for source, group in missing.items():
        on_share("loading", done / total)
        painter = Painter.load(source.checkpoint, device=device)
        if painter.components.content_hash != source.content_hash:
            raise ImpastoError(f"{source.checkpoint} has changed while it was used: give the same command again")

        def on_step(step: int, steps: int, before: int = done, count: int = len(group)) -> None:
            share = (before + count * step / steps) / total
            on_share(f"picture {int(share * total)}", share)

        paintings = painter.paint_many([one.request for one in group], on_step=on_step)
        for wanted, painting in zip(group, paintings, strict=True):
            try:
                wanted.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ImpastoError(f"{wanted.file.parent} cannot be made: {error.strerror}") from None
            painting.save(wanted.file, overwrite=True)
        done += len(group)
    return total
