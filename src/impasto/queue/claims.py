"""The queue as a worker sees it: it claims a job by a lease, begins and ends units, and takes up what dead workers left.

Every write names the claim, and is refused with `LeaseLost` if the job is not this worker's any more.
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from sqlite3 import Connection, Row
from typing import Any

from impasto.database import Database
from impasto.queue.events import tell_job, write_event
from impasto.queue.processes import Process
from impasto.queue.reading import PAUSED
from impasto.queue.records import LeaseLost, MadePicture
from impasto.queue.store import forget_old

LEASE_SECONDS = 30.0
MOST_DEATHS = 3  # of workers with the same unit: then it is given up


@dataclass(frozen=True)
class Claimed:
    """A job that this worker runs.

    Attributes:
        job: its number. `text`: its JSON. `folder`: where its relative paths start.
        claim: the number of this claim. `priority`, `units`: as in `QueuedJob`.
    """

    job: int
    text: str
    folder: str
    claim: int
    priority: int
    units: int


@dataclass(frozen=True)
class Unpublished:
    """A finished unit whose files have not got their names: number of the job and the unit, and its recorded result."""

    job: int
    number: int
    result: dict[str, Any]


class Claims:
    """The claims of one worker."""

    def __init__(self, database: Database, *, slot: int = 0, lease: float = LEASE_SECONDS) -> None:
        self._database, self._lease = database, lease
        self.worker = uuid.uuid4().hex
        self._slot = slot
        self.enter()

    def enter(self) -> None:
        """Adds this worker to the list of workers."""
        me, now = Process.this(), time.time()
        with self._database.write(durable=False) as link:
            link.execute("DELETE FROM workers WHERE seen_at < ?", (now - 24 * 3600,))
            link.execute(
                "INSERT OR REPLACE INTO workers (id, host, boot, pid, born, slot, started_at, seen_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self.worker, me.host, me.boot, me.pid, me.born, self._slot, now, now),
            )

    def leave(self) -> None:
        """Removes this worker from the list of workers."""
        with self._database.write(durable=False) as link:
            link.execute("DELETE FROM workers WHERE id = ?", (self.worker,))

    def beat(self, note: str = "") -> None:
        """Tells that this worker is alive, and prolongs its leases. `note` says why it waits, if it cannot work."""
        now = time.time()
        with self._database.write(durable=False) as link:
            link.execute("UPDATE workers SET seen_at = ?, note = ? WHERE id = ?", (now, note, self.worker))
            link.execute(
                "UPDATE jobs SET lease_until = ? WHERE state = 'running' AND worker = ?", (now + self._lease, self.worker)
            )

    def recover(self) -> list[int]:
        """Takes the jobs of dead workers back into the queue, at their old places, and returns their numbers.

        A unit with which workers died three times fails. A restart of the machine is nobody's fault and not counted.
        """
        if not self._left():
            return []
        taken: list[int] = []
        with self._database.write() as link:
            for row in self._left(link):
                job = row["id"]
                if not _process_of(row).died_with_machine:
                    link.execute("UPDATE units SET deaths = deaths + 1 WHERE job = ? AND state = 'running'", (job,))
                given_up = link.execute(
                    "UPDATE units SET state = 'failed', finished_at = ?, error = 'the worker died ' || deaths || "
                    "' times with it, perhaps for want of memory' WHERE job = ? AND state = 'running' AND deaths >= ?",
                    (time.time(), job, MOST_DEATHS),
                ).rowcount
                link.execute("UPDATE jobs SET units_failed = units_failed + ? WHERE id = ?", (given_up, job))
                self._give_back(link, job)
                taken.append(job)
        return taken

    def _left(self, link: Connection | None = None) -> list[Row]:
        """The running jobs of workers that are dead, or whose lease has ended."""
        sql = (
            "SELECT jobs.id, jobs.lease_until, workers.host, workers.boot, workers.pid, workers.born FROM jobs "
            "LEFT JOIN workers ON workers.id = jobs.worker WHERE jobs.state = 'running'"
        )
        rows = self._database.read(sql) if link is None else link.execute(sql).fetchall()
        now = time.time()
        return [row for row in rows if (row["lease_until"] or 0) < now or _process_of(row).is_dead]

    @staticmethod
    def _give_back(link: Connection, job: int) -> None:
        """Makes a running job queued, paused or cancelled, as it was asked to be."""
        link.execute(
            "UPDATE jobs SET state = CASE stop WHEN 'cancel' THEN 'cancelled' ELSE 'queued' END, paused = stop IS 'pause', "
            "finished_at = CASE stop WHEN 'cancel' THEN ? END, stop = NULL, worker = NULL, lease_until = NULL WHERE id = ?",
            (time.time(), job),
        )
        link.execute("UPDATE units SET state = 'waiting' WHERE job = ? AND state = 'running'", (job,))
        link.execute("DELETE FROM previews WHERE job = ?", (job,))
        tell_job(link, job)

    def claim(self) -> Claimed | None:
        """Claims the next job; None if no job waits, or the queue is paused."""
        if self._database.read_one(_NEXT, (PAUSED,)) is None:
            return None
        with self._database.write(durable=False) as link:
            row = link.execute(_NEXT, (PAUSED,)).fetchone()
            if row is None:
                return None
            now = time.time()
            link.execute(
                "UPDATE jobs SET state = 'running', worker = ?, lease_until = ?, claim = claim + 1, "
                "attempts = attempts + 1, started_at = coalesce(started_at, ?) WHERE id = ?",
                (self.worker, now + self._lease, now, row["id"]),
            )
            tell_job(link, row["id"])
            return Claimed(row["id"], row["job"], row["folder"], row["claim"] + 1, row["priority"], row["units"])

    def should_yield(self, claimed: Claimed) -> bool:
        """Whether the job should wait after this unit: the queue is paused, or a job of a higher priority waits."""
        row = self._database.read_one(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM facts WHERE name = ?) OR EXISTS "
            "(SELECT 1 FROM jobs WHERE state = 'queued' AND paused = 0 AND priority > ?)",
            (PAUSED, claimed.priority),
        )
        return row is not None

    def asked(self, claimed: Claimed) -> str | None:
        """Returns "cancel" or "pause" if somebody asked for it, "lost" if it is not this worker's any more, else None."""
        row = self._database.read_one(
            "SELECT stop FROM jobs WHERE id = ? AND claim = ? AND state = 'running'", (claimed.job, claimed.claim)
        )
        return "lost" if row is None else row["stop"]

    def ended_units(self, claimed: Claimed) -> set[int]:
        """Returns the numbers of the units that are done or failed."""
        rows = self._database.read("SELECT number FROM units WHERE job = ? AND state IN ('done', 'failed')", (claimed.job,))
        return {row["number"] for row in rows}

    def begin_unit(self, claimed: Claimed, number: int) -> None:
        """Records that a unit is begun, for the first time or again."""
        with self._own(claimed, durable=False) as link:
            link.execute(
                "INSERT INTO units (job, number, state, started_at) VALUES (?, ?, 'running', ?) ON CONFLICT (job, number) "
                "DO UPDATE SET state = 'running', attempts = attempts + 1, started_at = excluded.started_at, error = NULL",
                (claimed.job, number, time.time()),
            )

    def finish_unit(
        self,
        claimed: Claimed,
        number: int,
        pictures: Sequence[MadePicture],
        files: Sequence[tuple[str, str]],
        report: Any = None,
    ) -> Unpublished:
        """Records on the disk that a unit is done: its pictures, the (from, to) of files that get names, its report."""
        result = {"pictures": [asdict(one) for one in pictures], "files": [list(one) for one in files], "report": report}
        with self._own(claimed) as link:
            link.execute(
                "UPDATE units SET state = 'done', finished_at = ?, result = ?, published = ? WHERE job = ? AND number = ?",
                (time.time(), json.dumps(result, ensure_ascii=False), int(not files), claimed.job, number),
            )
            link.execute("UPDATE jobs SET units_done = units_done + 1 WHERE id = ?", (claimed.job,))
            link.execute("DELETE FROM previews WHERE job = ?", (claimed.job,))
            for one in pictures:
                write_event(link, "picture", claimed.job, {"unit": number, **asdict(one)})
            tell_job(link, claimed.job)
        return Unpublished(claimed.job, number, result)

    def fail_unit(self, claimed: Claimed, number: int, error: str) -> None:
        """Records that a unit failed, with one sentence."""
        with self._own(claimed) as link:
            link.execute(
                "UPDATE units SET state = 'failed', finished_at = ?, error = ? WHERE job = ? AND number = ?",
                (time.time(), error, claimed.job, number),
            )
            link.execute("UPDATE jobs SET units_failed = units_failed + 1 WHERE id = ?", (claimed.job,))
            write_event(link, "failure", claimed.job, {"unit": number, "text": error})
            tell_job(link, claimed.job)

    def unpublished(self) -> list[Unpublished]:
        """Returns the finished units whose files have not got their names: their worker died just then."""
        rows = self._database.read("SELECT job, number, result FROM units WHERE state = 'done' AND published = 0")
        return [Unpublished(row["job"], row["number"], json.loads(row["result"])) for row in rows]

    def published(self, unit: Unpublished) -> None:
        """Records that the files of a unit have their names."""
        with self._database.write(durable=False) as link:
            link.execute("UPDATE units SET published = 1 WHERE job = ? AND number = ?", (unit.job, unit.number))

    def release(self, claimed: Claimed) -> None:
        """Gives the job back: queued, paused or cancelled, as it was asked to be. A unit in work is begun again later."""
        with self._own(claimed) as link:
            self._give_back(link, claimed.job)

    def end(self, claimed: Claimed, error: str | None = None) -> None:
        """Ends the job: failed with `error`, else done or failed as its units were."""
        with self._own(claimed) as link:
            row = link.execute("SELECT units, units_failed FROM jobs WHERE id = ?", (claimed.job,)).fetchone()
            if error is None and row["units_failed"]:
                first = link.execute(
                    "SELECT error FROM units WHERE job = ? AND state = 'failed' ORDER BY number LIMIT 1", (claimed.job,)
                ).fetchone()["error"]
                several = row["units"] > 1
                error = f"{row['units_failed']} of {row['units']} parts failed; the first: {first}" if several else first
            state = "done" if error is None else "failed"
            link.execute(
                "UPDATE jobs SET state = ?, error = ?, finished_at = ?, stop = NULL, paused = 0, worker = NULL, "
                "lease_until = NULL WHERE id = ?",
                (state, error, time.time(), claimed.job),
            )
            link.execute("DELETE FROM previews WHERE job = ?", (claimed.job,))
            link.execute("DELETE FROM events WHERE job = ? AND kind = 'progress'", (claimed.job,))
            tell_job(link, claimed.job)
            forget_old(link)

    def tell(self, claimed: Claimed, kind: str, data: dict[str, Any]) -> None:
        """Writes an event of the job."""
        with self._own(claimed, durable=False) as link:
            write_event(link, kind, claimed.job, data)

    def preview(self, claimed: Claimed, unit: int, number: int, steps: int, image: bytes) -> None:
        """Keeps the last preview of a picture, and tells of it."""
        with self._own(claimed, durable=False) as link:
            event = write_event(link, "preview", claimed.job, {"unit": unit, "number": number, "steps": steps})
            link.execute(
                "INSERT OR REPLACE INTO previews (job, number, unit, steps, image, event) VALUES (?, ?, ?, ?, ?, ?)",
                (claimed.job, number, unit, steps, image, event),
            )

    @contextmanager
    def _own(self, claimed: Claimed, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction about a job that is this worker's.

        Raises:
            LeaseLost: it is not any more.
        """
        with self._database.write(durable=durable) as link:
            mine = link.execute(
                "SELECT 1 FROM jobs WHERE id = ? AND claim = ? AND state = 'running'", (claimed.job, claimed.claim)
            ).fetchone()
            if mine is None:
                raise LeaseLost
            yield link


_NEXT = (
    "SELECT id, job, folder, claim, priority, units FROM jobs WHERE state = 'queued' AND paused = 0 "
    "AND NOT EXISTS (SELECT 1 FROM facts WHERE name = ?) ORDER BY priority DESC, position LIMIT 1"
)


def _process_of(row: Row) -> Process:
    return Process(row["host"] or "", row["boot"] or "", row["pid"] or 0, row["born"] or "")
