"""The queue as those who ask see it: they add jobs, look at them, and pause, cancel, retry, move or clear them."""

import time
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from typing import Any

from impasto.database import Database
from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.division import title
from impasto.queue.events import tell_job, write_event
from impasto.queue.order import end_of, place_before
from impasto.queue.reading import PAUSED, QueueReader, job_in
from impasto.queue.records import ENDED, QueuedJob, QueueFull, State
from impasto.queue.schema import MIGRATIONS
from impasto.queue.units import MOST_UNITS, Plan, is_staged, settled
from impasto.stores.place import address_of
from impasto.workspace import Workspace

MOST_WAITING = 10_000  # jobs that are queued or running
MOST_ENDED = 20_000  # older ones are forgotten; their pictures stay
HIGHEST_PRIORITY = 1000
LONGEST_KEY = 200  # characters of an asker's own key


class Queue(QueueReader):
    """The queue of a workspace. Safe to use from several threads and processes.

    All methods raise DatabaseBusy, DiskFull or ImpastoError if the file cannot be written; nothing is written then, and the
    call can be made again.
    """

    def __init__(self, workspace: Workspace, database: Database, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(workspace, database)
        self._most_waiting = most_waiting

    @classmethod
    def open(cls, workspace: Workspace, *, most_waiting: int = MOST_WAITING) -> "Queue":
        """Opens the workspace's queue, and creates it if there is none.

        Raises:
            DatabaseBusy, DiskFull, ImpastoError: it cannot be opened.
        """
        return cls(workspace, Database(workspace.queue_file, MIGRATIONS, name="the queue"), most_waiting=most_waiting)

    def close(self) -> None:
        """Closes the file."""
        self.database.close()

    def add(
        self,
        job: Job,
        *,
        priority: int = 0,
        origin: str = "python",
        folder: Path | None = None,
        request: str | None = None,
        front: bool = False,
        paused: bool = False,
    ) -> QueuedJob:
        """Accepts a job. When this returns, the job is on the disk.

        Args:
            job: any registered job; a missing seed is drawn now.
            priority: -1000 to 1000; higher ones run first.
            origin: who asks.
            folder: where relative paths of the job start; the workspace if None.
            request: the asker's own key, at most 200 characters. A second `add` with the same key adds nothing and returns
                the job that was accepted first, so that a request may be repeated after a broken connection.
            front: before all others of its priority, instead of after them.
            paused: whether it waits for `resume`.

        Raises:
            UsageError: a value is out of its range.
            QueueFull: the queue is full; nothing was accepted.
        """
        return self.add_all([job], priority=priority, origin=origin, folder=folder, requests=[request], front=front,
                            paused=paused)[0]  # fmt: skip

    def add_all(
        self,
        jobs: Sequence[Job],
        *,
        priority: int = 0,
        origin: str = "python",
        folder: Path | None = None,
        requests: Sequence[str | None] = (),
        front: bool = False,
        paused: bool = False,
    ) -> list[QueuedJob]:
        """Accepts several jobs, all or none, in their order; see `add`."""
        if not -HIGHEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
            raise UsageError(f"priority {priority}: use {-HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}")
        if any(key is not None and not 0 < len(key) <= LONGEST_KEY for key in requests):
            raise UsageError(f"the key of a request has 1 to {LONGEST_KEY} characters")
        rows = [_new_row(job) for job in jobs]
        place = str((self.workspace.folder if folder is None else folder).absolute())
        with self.database.write() as link:
            known = [_by_request(link, key) for key in requests] or [None] * len(rows)
            known += [None] * (len(rows) - len(known))
            self._check_room(link, sum(one is None for one in known))
            position = end_of(link, priority, front, len(rows))
            numbers: list[int] = []
            for n, row in enumerate(rows):
                number = known[n]
                if number is None:
                    key = requests[n] if n < len(requests) else None
                    number = _insert(link, {
                        **row, "request": key, "folder": place, "origin": origin, "priority": priority,
                        "position": position + n, "paused": int(paused), "created_at": time.time(), "state": "queued",
                    })  # fmt: skip
                    tell_job(link, number)
                numbers.append(number)
            return [job_in(link, number) for number in numbers]

    def _check_room(self, link: Connection, more: int) -> None:
        waiting = link.execute("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')").fetchone()[0]
        if more and waiting + more > self._most_waiting:
            raise QueueFull(
                f"the queue is full: {waiting} jobs wait, and it takes {self._most_waiting}: wait, or cancel some "
                "(`impasto queue cancel`)"
            )

    def cancel(self, number: int) -> bool:
        """Cancels a queued job at once, and asks a running one to end after its present step; finished pictures stay.

        Returns whether this call did it: False if the job had ended or was already asked to.

        Raises:
            UnknownJob: there is none.
        """
        with self.database.write() as link:
            state = job_in(link, number).state
            if state is State.QUEUED:
                link.execute(
                    "UPDATE jobs SET state = 'cancelled', paused = 0, stop = NULL, finished_at = ? WHERE id = ?",
                    (time.time(), number),
                )
            elif state is State.RUNNING:
                asked = link.execute(
                    "UPDATE jobs SET stop = 'cancel' WHERE id = ? AND stop IS NOT 'cancel'", (number,)
                ).rowcount
                if not asked:
                    return False
            else:
                return False
            tell_job(link, number)
            return True

    def cancel_waiting(self) -> int:
        """Cancels all queued jobs, not the running ones, and returns how many."""
        with self.database.write() as link:
            numbers = [row["id"] for row in link.execute("SELECT id FROM jobs WHERE state = 'queued'")]
            return sum(self.cancel(number) for number in numbers)

    def pause(self, number: int) -> bool:
        """Lets a job wait for `resume`: a running one ends after its present step and goes on from there later.

        Returns whether this call did it.

        Raises:
            UnknownJob: there is none. UsageError: it has ended.
        """
        with self.database.write() as link:
            one = job_in(link, number)
            if one.state in ENDED:
                raise UsageError(f"job {number} is {one.state} and cannot be paused")
            if one.paused or one.stopping:
                return False
            change = "paused = 1" if one.state is State.QUEUED else "stop = 'pause'"
            link.execute(f"UPDATE jobs SET {change} WHERE id = ?", (number,))
            tell_job(link, number)
            return True

    def resume(self, number: int) -> bool:
        """Lets a paused job go on, at its old place. Returns whether this call did it.

        Raises:
            UnknownJob: there is none. UsageError: it has ended.
        """
        with self.database.write() as link:
            one = job_in(link, number)
            if one.state in ENDED:
                raise UsageError(f"job {number} is {one.state}: `retry` makes it wait again")
            if not one.paused:
                return False
            link.execute(
                "UPDATE jobs SET paused = 0, stop = CASE stop WHEN 'pause' THEN NULL ELSE stop END WHERE id = ?", (number,)
            )
            tell_job(link, number)
            return True

    def pause_all(self, paused: bool = True) -> bool:
        """Pauses the whole queue, or lets it go on. Returns whether that changed anything."""
        with self.database.write() as link:
            if paused:
                done = link.execute("INSERT OR IGNORE INTO facts VALUES (?, '1')", (PAUSED,)).rowcount
            else:
                done = link.execute("DELETE FROM facts WHERE name = ?", (PAUSED,)).rowcount
            if done:
                write_event(link, "queue", None, {"paused": paused})
            return bool(done)

    def retry(self, number: int) -> QueuedJob:
        """Makes a failed or cancelled job queued again, at the end of its priority; finished units stay finished.

        Raises:
            UnknownJob: there is none. UsageError: it did not fail and was not cancelled. QueueFull: there is no room.
        """
        with self.database.write() as link:
            one = job_in(link, number)
            if one.state not in (State.FAILED, State.CANCELLED):
                raise UsageError(f"job {number} is {one.state}: only a failed or cancelled job can be tried again")
            self._check_room(link, 1)
            link.execute("DELETE FROM units WHERE job = ? AND state <> 'done'", (number,))
            link.execute(
                "UPDATE jobs SET state = 'queued', paused = 0, stop = NULL, error = NULL, finished_at = NULL, "
                "units_failed = 0, position = ? WHERE id = ?",
                (end_of(link, one.priority, False, 1), number),
            )
            tell_job(link, number)
            return job_in(link, number)

    def move(self, number: int, *, before: int | None = None, front: bool = False, priority: int | None = None) -> QueuedJob:
        """Moves a queued job: before another one (and into its priority), to the front or the end of a priority.

        Raises:
            UnknownJob: there is none. UsageError: one of them is not queued, or the priority is out of its range.
        """
        if priority is not None and not -HIGHEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
            raise UsageError(f"priority {priority}: use {-HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}")
        with self.database.write() as link:
            one = job_in(link, number)
            other = None if before is None or before == number else job_in(link, before)
            for named in filter(None, (one, other)):
                if named.state is not State.QUEUED:
                    raise UsageError(f"job {named.id} is {named.state}: only queued jobs have an order")
            if other is not None:
                priority, position = other.priority, place_before(link, other, number)
            elif before == number:
                return one
            else:
                priority = one.priority if priority is None else priority
                position = end_of(link, priority, front, 1)
            link.execute("UPDATE jobs SET priority = ?, position = ? WHERE id = ?", (priority, position, number))
            tell_job(link, number)
            return job_in(link, number)

    def clear(self, number: int | None = None) -> int:
        """Forgets ended jobs, all or one; pictures stay. Returns how many.

        Raises:
            UnknownJob: there is none. UsageError: it has not ended.
        """
        with self.database.write() as link:
            if number is None:
                gone = link.execute(
                    "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND " + _PUBLISHED
                ).rowcount
            else:
                one = job_in(link, number)
                if one.state not in ENDED:
                    raise UsageError(f"job {number} is {one.state}: cancel it first")
                gone = link.execute("DELETE FROM jobs WHERE id = ?", (number,)).rowcount
            if gone:
                write_event(link, "queue", None, {"cleared": gone, "job": number})
            return gone


# A job whose pictures wait for their names is not forgotten.
_PUBLISHED = "NOT EXISTS (SELECT 1 FROM units WHERE job = jobs.id AND state = 'done' AND published = 0)"


def forget_old(link: Connection, most: int = MOST_ENDED) -> None:
    """Forgets ended jobs but the newest `most`, within a transaction."""
    link.execute(
        "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND id <= "
        "(SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled') ORDER BY id DESC LIMIT 1 OFFSET ?) AND "
        + _PUBLISHED,
        (most,),
    )


def _new_row(job: Job) -> dict[str, Any]:
    out = dict(job).get("out")
    if is_staged(job) and out is not None and (address := address_of(out)) is not None:
        raise UsageError(f"--out {address}: a queued job paints into a folder; without the queue, `paint` takes an address")
    fixed = settled(job)
    total = Plan(fixed).total
    if total > MOST_UNITS:
        raise UsageError(f"the job has {total} parts: use at most {MOST_UNITS}")
    return {"kind": job.kind, "job": fixed.to_json(), "title": title(fixed), "units": total}


def _insert(link: Connection, row: dict[str, Any]) -> int:
    names = ", ".join(row)
    try:
        made = link.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    except IntegrityError as error:
        raise UsageError(f"the job was not accepted: {error}") from None
    return made.lastrowid or 0


def _by_request(link: Connection, key: str | None) -> int | None:
    row = None if key is None else link.execute("SELECT id FROM jobs WHERE request = ?", (key,)).fetchone()
    return row["id"] if row else None
