"""What is settled before a painting is divided, so that every unit is painted as the local run would paint it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from impasto.errors import ImpastoError
from impasto.jobs.painter_pool import PainterPool
from impasto.spreading import HERE

if TYPE_CHECKING:
    from impasto.jobs.context import Context
    from impasto.jobs.painting.paint import PaintJob
    from impasto.painting.request import PaintRequest


def is_gpu(device: str) -> bool:
    """Returns whether `--device` means a GPU on this machine.

    Raises:
        UsageError, MissingPart: as `choose_device`.
    """
    from impasto.settings import choose_device

    return choose_device(device).type == "cuda"


def pictures_at_once(request: "PaintRequest", device: str) -> int:
    """Returns how many pictures like this one are painted at once on the device.

    Raises:
        UsageError, MissingPart: as `choose_device`.
    """
    from impasto.painting.batching import at_once
    from impasto.settings import choose_device

    return at_once(request, request.width * request.height, choose_device(device))


class SettledEngines:
    """The engine of every painting of a job, decided once for the whole job: `auto` decides by the work that there is."""

    def __init__(self, context: "Context") -> None:
        """`context` hears what is decided; its painters are used where the job itself is painted with them."""
        self._context = context
        self._names: dict[tuple[object, ...], str] = {}

    def decide(self, jobs: "Iterable[tuple[PaintJob, int]]") -> Self:
        """Decides for these paintings: the jobs, and how many of its kind each stands for. Returns itself.

        A job that cannot be painted decides nothing: it tells what it lacks when it is run.
        """
        kinds: dict[tuple[object, ...], list[tuple[PaintJob, int]]] = {}
        for job, times in jobs:
            kinds.setdefault(_kind(job), []).append((job, times))
        painters = self._context.painters if self._context.spread is HERE else PainterPool()
        for kind, alike in kinds.items():
            if kind not in self._names:
                with suppress(ImpastoError):
                    self._names[kind] = self._decided(alike, painters)
        return self

    def settle(self, job: "PaintJob") -> "PaintJob":
        """Returns the job with the engine that was decided for its kind; itself if none was."""
        name = self._names.get(_kind(job), job.engine)
        return job if name == job.engine else job.model_copy(update={"engine": name})

    def _decided(self, jobs: "Sequence[tuple[PaintJob, int]]", painters: PainterPool) -> str:
        from impasto.inference.runtime import openvino_may_pay
        from impasto.painting.engines.choice import choose_engine
        from impasto.painting.engines.record import AUTO, OPTIMIZED
        from impasto.settings import choose_device

        first = jobs[0][0]
        if choose_engine(first.engine, choose_device(first.device), first.precision).name != AUTO:
            return first.engine
        if not openvino_may_pay():
            return OPTIMIZED
        setup = first.setup(_ignore)
        painter = painters.painter(
            first.checkpoint, device=first.device, precision=first.precision, engine=first.engine,
            loras=setup.adapters.loras, concepts=setup.adapters.concepts,
        )  # fmt: skip
        groups = []
        for job, times in jobs:
            request = job.settle(setup, job.seed or 0)
            groups.append(([request] * (job.count * job.best_of), times))
        if all(request.words is not None for requests, _ in groups for request in requests):
            return first.engine  # words are edited by eager, whatever the engine is
        name, notes = painter.decide_engine(groups, first.batch)
        for note in notes:
            self._context.note(note)
        return name


def _kind(job: "PaintJob") -> tuple[object, ...]:
    """Returns what paintings share that are painted by the same weights."""
    student = job.sampler == "lcm"
    return job.engine, job.device, job.precision, job.checkpoint, tuple(job.lora), tuple(job.concept), student


def _ignore(note: str) -> None:
    """What the job's setup tells is told when it is run."""


def checkpoint_hash(checkpoint: str) -> str:
    """Returns the hash of a checkpoint's content.

    Raises:
        UsageError, MissingPart, ImpastoError: as `inspect_checkpoint`.
    """
    from impasto.checkpoints.listing import inspect_checkpoint

    return inspect_checkpoint(checkpoint).content_hash
