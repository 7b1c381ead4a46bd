"""Runs a job with its units on Ray."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place
from impasto.fleet.session import ray_session
from impasto.fleet.status import Status, StatusFile
from impasto.fleet.tally import Count, Tally
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.division import SPREAD_KINDS, title
from impasto.jobs.events import Event, Progress
from impasto.spreading import Spread

_COUNTED = ("caption", "tag", "paint", "batch")  # whose rows are all those of one step
_STARTING, _FIRST = "starting workers", "first units"


def run_on(job: Job, place: Place, context: Context | None = None) -> Any:
    """Runs a job whose units are done by the workers of `place`, and returns its result, the same as that of `job.run`.

    Progress events tell of the whole: rows/s, the seconds to go, ready and lost workers, and units that were sent again.

    Raises:
        UsageError: the job cannot be divided. MissingPart, ImpastoError, StoppedError: as the job, or Ray cannot be used.
    """
    check_divided(job, place)
    context = context or Context()
    with ray_session(place) as ray:
        return run_with(ray, job, place, context)


def check_divided(job: Job, place: Place) -> None:
    """Checks that the job can be done in units.

    Raises:
        UsageError: it cannot.
    """
    if job.kind not in SPREAD_KINDS:
        kinds = ", ".join(SPREAD_KINDS)
        raise UsageError(f"--on {place.name}: {job.kind} is not divided into units; those that are: {kinds}")


def run_with(ray: Any, job: Job, place: Place, context: Context) -> Any:
    """Does the same as `run_on` with a Ray that is connected already; it stays connected."""
    telling = _Telling(context.on_event, StatusFile(Status(job.kind, title(job), place.name)), job.kind in _COUNTED)
    spread = RaySpread(ray, place, Tally(telling.count), context.should_stop)
    try:
        # While units are in work, the spread stops: what they made is taken before the job is interrupted.
        asked = replace(context, should_stop=lambda: not spread.is_mapping and context.should_stop())
        result = job.run(replace(asked, on_event=telling.hear, spread=spread))
    except (KeyboardInterrupt, SystemExit, StoppedError):
        telling.end("stopped")
        raise
    except ImpastoError as error:
        telling.end("failed", str(error))
        raise
    except BaseException as error:
        telling.end("failed", f"unexpected {type(error).__name__}")
        raise
    finally:
        spread.end()
    telling.end("done")
    return result


@contextmanager
def spreading(place: Place | None) -> Iterator[Callable[[Callable[[], bool]], Spread] | None]:
    """Yields what makes a spread over the workers of `place`, given what it asks whether to stop: for a queue's worker.

    Without a place it yields None. The connection, and a Ray of our own, end with the context.

    Raises:
        MissingPart, ImpastoError: Ray cannot be used.
    """
    if place is None:
        yield None
        return
    with ray_session(place) as ray, ExitStack() as ends:

        def spread_by(should_stop: Callable[[], bool]) -> Spread:
            spread = RaySpread(ray, place, should_stop=should_stop)
            ends.callback(spread.end)
            return spread

        yield spread_by


@dataclass
class _Telling:
    """Adds the workers' figures to the job's progress, and keeps the status file.

    Attributes:
        by_rows: whether the time to go follows from the rows that are done, else from the share of the job.
    """

    on_event: Callable[[Event], None]
    file: StatusFile
    by_rows: bool = False
    _count: Count | None = None
    _last: Progress = field(default_factory=lambda: Progress(_STARTING, 0.0))
    _begun: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), 0.0))
    _figures: dict[str, float] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Passes an event of the job on, with the workers' figures in it if it tells the progress."""
        if not isinstance(event, Progress):
            self.on_event(event)
            return
        first = self._last.stage in (_STARTING, _FIRST)
        if first or (event.share or 0.0) < (self._last.share or 0.0):  # another step began
            self._begun = (time.monotonic(), event.share or 0.0)
        self._last = event
        self._tell()

    def count(self, count: Count) -> None:
        """Tells the present figures, also between two events of the job."""
        self._count, self._figures = count, count.figures()
        status = self.file.status
        status.workers, status.lost_workers, status.retries = count.workers, count.lost_workers, count.retries
        status.rows_per_second = round(count.rows_per_second, 3)
        if self._last.stage == _STARTING and count.workers:  # the job has not told of a step of its own yet
            self._last = replace(self._last, stage=_FIRST)
        self._tell()

    def end(self, state: str, error: str = "") -> None:
        """Writes how the job ended."""
        status = self.file.status
        status.state, status.error, status.ends = state, error, None
        if state == "done":
            status.share = 1.0
        self.file.write(now=True)

    def _tell(self) -> None:
        share, left = self._last.share or 0.0, self._seconds_to_go()
        figures = {**self._last.figures, **self._figures}
        if left is not None:
            figures["eta_seconds"] = round(left, 1)
        status = self.file.status
        status.stage, status.share = self._last.stage, share
        status.ends = None if left is None else time.time() + left
        self.file.write()
        self.on_event(Progress(self._last.stage, self._last.share, figures))

    def _seconds_to_go(self) -> float | None:
        if self.by_rows:
            return self._count.seconds_to_go if self._count is not None else None
        share, (since, before) = self._last.share or 0.0, self._begun
        return (time.monotonic() - since) * (1 - share) / (share - before) if share > before else None
