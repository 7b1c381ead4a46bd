"""Plans the paintings of a reproduction and paints those that do not exist yet."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.painting_defaults import DOMAIN, read_painting_defaults
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.painting.guidance.record import USUAL
from impasto.painting.memory.reader import planned_use
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import is_painted, painting_key
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.reproduction.protocols import Sampling
from impasto.spreading import HERE, Spread, Unit, results, unit_key
from impasto.weights.content_hash import memory_hash

if TYPE_CHECKING:
    from impasto.painting.painter import Painter


@dataclass(frozen=True)
class PaintingCheckpoint:
    """A checkpoint for painting.

    Attributes:
        checkpoint: its name, as `--checkpoint` takes it.
        content_hash: of its weights.
        side: pixels of a side.
        memory: the hash of its memory; "" if it has none.
        guider: domain for a retrained checkpoint that has its original's U-Net as guide, else cfg.
    """

    checkpoint: str
    content_hash: str
    side: int
    memory: str = ""
    guider: str = USUAL

    @classmethod
    def of(cls, checkpoint: str) -> "PaintingCheckpoint":
        """Returns the checkpoint of this name; its weights are hashed, not loaded.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `inspect_checkpoint`.
        """
        info = inspect_checkpoint(checkpoint)
        guider = DOMAIN if read_painting_defaults(info.path).guider == DOMAIN else USUAL
        return cls(checkpoint, info.content_hash, info.default_size or 512, memory_hash(info.path), guider)


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
            guider=source.guider, eta=sampling.eta, width=source.side, height=source.side,
            prompt=ask.condition.caption if ask.expansion else "", expansion=ask.expansion or None,
        )  # fmt: skip
        use = planned_use(request, source.checkpoint, source.memory)
        record = Provenance.of(request, source.checkpoint, source.content_hash, memory=use)
        wanted.append(PlannedPainting(request, record, folder / f"{number:04}-{painting_key(record)[:12]}.png"))
    return PaintingSet(source, tuple(wanted))


def paint_sets(
    sets: Sequence[PaintingSet],
    on_share: Callable[[str, float], None],
    *,
    device: str = "auto",
    spread: Spread = HERE,
) -> int:
    """Paints the missing paintings, one checkpoint after the other, and saves each painting as soon as it is finished.

    Args:
        on_share: called with (name of the step, share of all missing paintings that is done).
        spread: paints them; another than `HERE` paints several batches at once.

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
    if spread is not HERE:
        _paint_elsewhere(missing, total, on_share, device, spread)
        return total
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
            _make(wanted.file.parent)
            painting.save(wanted.file, overwrite=True)
        done += len(group)
    return total


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be made: {error.strerror}") from None


@dataclass
class SetWork:
    """Paints requests by one checkpoint. A payload is the checkpoint and the requests; a result a ZIP of PNG files.

    Attributes:
        device: as `Painter.load` takes it.
        on_gpu: whether that is a GPU.
    """

    device: str
    on_gpu: bool
    _painter: "tuple[PaintingCheckpoint, Painter] | None" = None

    name = "paintings"

    def __getstate__(self) -> dict[str, object]:
        return {"device": self.device, "on_gpu": self.on_gpu, "_painter": None}

    @property
    def gpus(self) -> float:
        """1 on a GPU."""
        return float(self.on_gpu)

    def do(self, payload: tuple[PaintingCheckpoint, tuple[PaintRequest, ...]], halvings: int) -> bytes:
        """Paints the requests, after a want of memory fewer at once.

        Raises:
            ImpastoError: the checkpoint cannot be loaded or has changed, or a painting is not a number.
        """
        from impasto.painting.painter import Painter

        source, requests = payload
        if self._painter is None or self._painter[0] != source:
            self._painter = None  # its memory, before the next one is loaded
            painter = Painter.load(source.checkpoint, device=self.device, engine=settled_engine(self.device))
            if painter.components.content_hash != source.content_hash:
                raise ImpastoError(f"{source.checkpoint} has changed while it was used: give the same command again")
            self._painter = source, painter
        size = max(1, len(requests) >> halvings) if halvings else None
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive, tempfile.TemporaryDirectory() as folder:
            for number, painting in enumerate(self._painter[1].paint_many(requests, batch_size=size)):
                file = painting.save(Path(folder) / f"{number}.png")
                archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
        return packed.getvalue()


def settled_engine(device: str) -> str:
    """Returns the engine of all units: where `auto` would decide by the work that there is, `optimized`."""
    from impasto.painting.engines.choice import choose_engine
    from impasto.painting.engines.record import AUTO, OPTIMIZED
    from impasto.settings import choose_device

    return OPTIMIZED if choose_engine(AUTO, choose_device(device), "auto").name == AUTO else AUTO


def _paint_elsewhere(
    missing: Mapping[PaintingCheckpoint, Sequence[PlannedPainting]],
    total: int,
    on_share: Callable[[str, float], None],
    device: str,
    spread: Spread,
) -> None:
    """Has the workers paint the missing paintings, as many in a unit as are painted at once, and saves them."""
    from impasto.painting.batching import at_once
    from impasto.settings import choose_device

    where = choose_device(device)
    groups: list[tuple[PaintingCheckpoint, Sequence[PlannedPainting]]] = []
    for source, wanted in missing.items():
        size = at_once(wanted[0].request, source.side**2, where)
        groups += [(source, wanted[start : start + size]) for start in range(0, len(wanted), size)]
    # Of the same checkpoint together: a worker that changes it loads it.
    units = [
        Unit(n, unit_key(source.content_hash, *(painting_key(one.record) for one in wanted)),
             (source, tuple(one.request for one in wanted)), len(wanted))
        for n, (source, wanted) in enumerate(groups)
    ]  # fmt: skip
    done = 0
    with results(spread, SetWork(device, where.type == "cuda"), units, rows=total, in_order=False) as found:
        for one in found:
            wanted = groups[one.unit.number][1]
            with zipfile.ZipFile(io.BytesIO(one.value())) as archive:
                for number, planned in enumerate(wanted):
                    _make(planned.file.parent)
                    write_atomically(planned.file, archive.read(f"{number}.png"))
            done += len(wanted)
            on_share(f"picture {done}", done / total)
