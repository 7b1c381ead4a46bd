"""The loop of a worker process: claims a job, does its units one after the other, and goes on whatever happens.

A worker keeps loaded checkpoints between jobs. While a job computes, a thread prolongs the lease and looks whether somebody
asked to cancel or pause it; the job hears of it at its next step. After each unit the worker lets a job of a higher
priority, or a pause of the queue, go first. When the disk is full or the queue's file is locked, it waits and goes on.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.database import DatabaseBusy, DiskFull
from impasto.errors import ImpastoError, StoppedError
from impasto.jobs import job_from_json
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.division import SPREAD_KINDS
from impasto.jobs.events import Event, Note, PictureDone, Preview, Progress
from impasto.jobs.painter_pool import PainterPool
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.spread.paintings import PaintWork, unpacked
from impasto.jobs.painting.spread.settled import SettledEngines, is_gpu
from impasto.queue.claims import LEASE_SECONDS, Claimed, Claims
from impasto.queue.events import event_data, preview_bytes, report_of
from impasto.queue.publishing import UnitFolder, elsewhere, publish
from impasto.queue.records import LeaseLost
from impasto.queue.store import Queue
from impasto.queue.units import Plan, is_staged
from impasto.queue.watch import LOOK_SECONDS, Watch
from impasto.spreading import HERE, Done, Spread, Unit, WorkersLost, results, unit_key
from impasto.workspace import Workspace

if TYPE_CHECKING:
    from impasto.queue.claims import Unpublished

PROGRESS_SECONDS = 0.25  # between two progress events
RECOVER_SECONDS = 2.0
TIDY_SECONDS = 600.0
NEEDED_BYTES = 64 << 20  # free space below which nothing is begun
MOST_ALIKE = 5  # units that fail one after the other with the same sentence: then the job ends


def _ignore(*words: object) -> None:
    del words


@dataclass
class Worker:
    """A worker of a workspace.

    Attributes:
        slot: its number among the workers of the workspace, from 0.
        should_end: asked between two steps; True ends the worker, and the running job goes back to its place.
        on_line: called with a sentence about each job that ended, and about each wait.
        on_files: called with the files of a finished unit; the gallery's index is kept with it.
        tidy: called between jobs, at most every ten minutes, to delete what nothing needs.
        painters: loaded checkpoints.
        spread_by: makes the spread that does the units of jobs in other processes, given what it asks whether to stop; None
            to do all of it in this process.
        lease: seconds after which another machine takes a silent worker's job.
    """

    workspace: Workspace
    queue: Queue
    slot: int = 0
    should_end: Callable[[], bool] = lambda: False
    on_line: Callable[[str], None] = _ignore
    on_files: Callable[[list[Path]], object] = _ignore
    tidy: Callable[[], object] = _ignore
    painters: PainterPool = field(default_factory=PainterPool)
    spread_by: Callable[[Callable[[], bool]], Spread] | None = None
    lease: float = LEASE_SECONDS

    def __post_init__(self) -> None:
        self._claims = Claims(self.queue.database, slot=self.slot, lease=self.lease)
        self._watch = Watch(self._claims, self.lease)
        self._note = ""
        self._yields = False
        self._spread = HERE if self.spread_by is None else self.spread_by(self._should_stop)

    def run(self, *, until_empty: bool = False) -> int:
        """Works until `should_end`, or until no job waits, and returns the number of jobs that ended.

        Raises:
            ImpastoError: the queue cannot be read or written at all.
            WorkersLost: what does the units cannot be used any more; the running job went back to its place.
        """
        ended, recovered, tidied = 0, 0.0, 0.0
        self._insist(self._claims.enter)
        self._watch.start()
        try:
            while not self.should_end():
                if time.monotonic() - recovered >= RECOVER_SECONDS:
                    recovered = time.monotonic()
                    self._insist(self._recover)
                if not tidied or time.monotonic() - tidied >= TIDY_SECONDS:
                    tidied = time.monotonic()
                    try:
                        self.tidy()
                    except ImpastoError as error:
                        self.on_line(str(error))
                claimed = None if self._lacks_space() else self._insist(self._claims.claim)
                if claimed is not None:
                    ended += self._do(claimed)
                elif until_empty and not self._note:
                    break
                else:
                    time.sleep(LOOK_SECONDS)
        finally:
            self._watch.end()
            with suppress(ImpastoError):
                self._claims.leave()
        return ended

    def _recover(self) -> None:
        for job in self._claims.recover():
            self.on_line(f"job {job} goes on: its worker had died")
        for unit in self._claims.unpublished():
            self._publish(unit)

    def _publish(self, unit: "Unpublished") -> None:
        try:
            files = publish(unit)
        except ImpastoError as error:
            self.on_line(str(error))  # it stays unpublished, and is tried again
            return
        self._insist(lambda: self._claims.published(unit))
        try:
            self.on_files(files)
        except ImpastoError as error:
            self.on_line(f"{error}; `impasto gallery rebuild` finds it later")

    def _do(self, claimed: Claimed) -> bool:
        """Runs a claimed job as far as it goes now; returns whether it ended."""
        self._watch.follow(claimed)
        try:
            return self._units(claimed)
        except LeaseLost:
            self.on_line(f"job {claimed.job} was taken away or cleared")
            return False
        finally:
            self._watch.follow(None)

    def _units(self, claimed: Claimed) -> bool:
        try:
            os.chdir(claimed.folder)
            plan = Plan(job_from_json(claimed.text))
        except Exception as error:
            return self._end(claimed, sentence(error))
        ended = self._claims.ended_units(claimed)
        if self._spread is not HERE and plan.total > 1 and plan.job.kind in ("paint", "batch"):
            return self._units_elsewhere(claimed, plan, ended)
        alike, last = 0, ""
        for number in range(claimed.units):
            if number in ended:
                continue
            if self._watch.asked or self.should_end():
                return self._give_back(claimed)
            failed = self._unit(claimed, plan, number)
            if failed == _RELEASED:
                return self._give_back(claimed)
            alike, last = alike + 1 if failed and failed == last else int(bool(failed)), failed
            if alike == MOST_ALIKE and claimed.units > MOST_ALIKE:
                return self._end(claimed, f"stopped after {MOST_ALIKE} parts that failed alike: {failed}")
            if number + 1 < claimed.units and self._insist(lambda: self._claims.should_yield(claimed)):
                return self._give_back(claimed)
        return self._end(claimed)

    def _units_elsewhere(self, claimed: Claimed, plan: Plan, ended: set[int]) -> bool:
        """The same by the workers of the spread, several units at once; each is recorded when its result comes."""
        engines = SettledEngines(Context(on_event=self._say_note, spread=self._spread))

        def units() -> Iterator[Unit]:
            for number in range(claimed.units):
                if number in ended:
                    continue
                self._insist(lambda number=number: self._claims.begin_unit(claimed, number))
                try:
                    job = plan.unit(number)
                    assert isinstance(job, PaintJob)
                    settled = engines.decide([(job, claimed.units)]).settle(job)
                except ImpastoError as error:
                    self._failed(claimed, number, str(error))
                    continue
                text = settled.to_json()
                yield Unit(number, unit_key(text), text, plan.group)

        self._yields, alike, last = False, 0, ""
        device = dict(plan.job).get("device") or dict(plan.job).get("base", {}).get("device", "auto")
        try:
            work = PaintWork(is_gpu(device))
            with results(self._spread, work, units(), in_order=False) as found:
                for one in found:
                    failed = self._took(claimed, plan, one)
                    if failed == _RELEASED:
                        return self._give_back(claimed)
                    alike, last = alike + 1 if failed and failed == last else int(bool(failed)), failed
                    if alike == MOST_ALIKE and claimed.units > MOST_ALIKE:
                        return self._end(claimed, f"stopped after {MOST_ALIKE} parts that failed alike: {failed}")
                    self._yields = self._insist(lambda: self._claims.should_yield(claimed))
        except (StoppedError, KeyboardInterrupt):
            return self._give_back(claimed)
        except WorkersLost:
            self._give_back(claimed)
            raise
        except ImpastoError as error:
            return self._end(claimed, sentence(error))
        return self._end(claimed)

    def _took(self, claimed: Claimed, plan: Plan, one: Done) -> str:
        """Records a unit that was done elsewhere; returns what `_unit` does."""
        number = one.unit.number
        folder = UnitFolder.of(self.workspace, plan.job, claimed.folder, claimed.job, number)
        if self._lacks_space():
            return _RELEASED
        if one.error is not None:
            return self._failed(claimed, number, sentence(one.error))
        try:
            made, notes = unpacked(one.result, folder.begin(), 0.0)
            pictures, files = folder.name(made)
        except (OSError, ImpastoError) as error:
            folder.drop()
            return _RELEASED if self._lacks_space() else self._failed(claimed, number, sentence(error))
        for note in notes:
            self._insist(lambda note=note: self._claims.tell(claimed, "note", {"unit": number, "text": note}))
        self._publish(self._insist(lambda: self._claims.finish_unit(claimed, number, pictures, files, None)))
        return ""

    def _should_stop(self) -> bool:
        return bool(self._watch.asked) or self._yields or self.should_end()

    def _unit(self, claimed: Claimed, plan: Plan, number: int) -> str:
        """Does one unit. Returns "" if it is done, `_RELEASED` if it is to be begun again, else why it failed."""
        if self._lacks_space():
            return _RELEASED
        self._insist(lambda: self._claims.begin_unit(claimed, number))
        folder = None
        if is_staged(plan.job):
            folder = UnitFolder.of(self.workspace, plan.job, claimed.folder, claimed.job, number)
        made: list[PictureDone] = []
        try:
            job = plan.unit(number, None if folder is None else folder.begin())
            result = self._compute(job, claimed, number, made)
            pictures, files = (elsewhere(made), []) if folder is None else folder.name(made)
            report = report_of(result) if folder is None else None
        except (StoppedError, KeyboardInterrupt) as stop:
            if folder is not None:
                folder.drop()
            if self._watch.asked or self.should_end():
                return _RELEASED
            return self._failed(claimed, number, str(stop) or "stopped")
        except LeaseLost:
            raise
        except WorkersLost:
            self._give_back(claimed)
            raise
        except Exception as error:
            if folder is not None:
                folder.drop()
            if self._lacks_space() or isinstance(error, DiskFull):
                return _RELEASED
            return self._failed(claimed, number, sentence(error))
        unit = self._insist(lambda: self._claims.finish_unit(claimed, number, pictures, files, report))
        if files:
            self._publish(unit)
        elif pictures:
            with suppress(ImpastoError):
                self.on_files([Path(one.name) for one in pictures])
        return ""

    def _compute(self, job: Job, claimed: Claimed, number: int, made: list[PictureDone]) -> Any:
        told = 0.0

        def hear(event: Event) -> None:
            nonlocal told
            try:
                if isinstance(event, PictureDone):
                    made.append(event)
                elif isinstance(event, Preview):
                    image = preview_bytes(event.image)
                    self._claims.preview(claimed, number, event.number, event.steps, image)
                elif not isinstance(event, Progress) or time.monotonic() - told >= PROGRESS_SECONDS:
                    if isinstance(event, Progress):
                        told = time.monotonic()
                    kind, data = event_data(event) or ("note", {})
                    self._claims.tell(claimed, kind, {"unit": number, **data})
            except LeaseLost:
                self._watch.asked = "lost"
            except (DatabaseBusy, DiskFull):
                pass  # news only: the work goes on without it

        self._yields = False
        spread = self._spread if job.kind in SPREAD_KINDS and not is_staged(job) else HERE
        return job.run(Context(on_event=hear, should_stop=self._should_stop, painters=self.painters, spread=spread))

    def _failed(self, claimed: Claimed, number: int, error: str) -> str:
        self._insist(lambda: self._claims.fail_unit(claimed, number, error))
        return error

    def _give_back(self, claimed: Claimed) -> bool:
        self._insist(lambda: self._claims.release(claimed))
        return False

    def _end(self, claimed: Claimed, error: str | None = None) -> bool:
        self._insist(lambda: self._claims.end(claimed, error))
        one = self.queue.job(claimed.job)
        self.on_line(f"job {one.id} {one.state}" + (f": {one.error}" if one.error else ""))
        return True

    def _insist(self, call: Callable[[], Any]) -> Any:
        """Calls until the queue's file can be written; says once that it cannot."""
        while True:
            try:
                done = call()
            except (DatabaseBusy, DiskFull) as error:
                self._say_waiting(f"waits: {error}")
                if self.should_end():
                    raise
                time.sleep(1.0)
                continue
            return done

    def _lacks_space(self) -> bool:
        free = free_bytes(self.workspace.folder)
        if free < NEEDED_BYTES:
            self._say_waiting(
                f"waits: {self.workspace.folder} has {free >> 20} MB of free space, {NEEDED_BYTES >> 20} MB are needed: "
                "free some"
            )
            return True
        self._note = self._watch.note = ""
        return False

    def _say_note(self, event: Event) -> None:
        if isinstance(event, Note):
            self.on_line(event.text)

    def _say_waiting(self, text: str) -> None:
        if text.partition(":")[0] != self._note.partition(":")[0] or not self._note:
            self.on_line(text)
        self._note = self._watch.note = text


_RELEASED = "\0released"


def free_bytes(folder: Path) -> int:
    """Returns the free space of a folder's disk."""
    return shutil.disk_usage(folder).free


def sentence(error: Exception) -> str:
    """Returns what went wrong in one sentence."""
    if isinstance(error, ImpastoError):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error):
        return "out of memory: use a smaller size or batch 1"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:500]}"
