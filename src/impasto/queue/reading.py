"""The queue as those who look at it see it: jobs, units, previews, counts, workers."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from impasto.database import Database
from impasto.queue.events import EventLog
from impasto.queue.records import QueuedJob, State, Unit, UnknownJob, job_columns, job_of, unit_of
from impasto.workspace import Workspace

PAUSED = "paused"


@dataclass(frozen=True)
class Counts:
    """How many jobs there are in each state, and whether the whole queue is paused.

    Attributes:
        waiting_units: units of queued and running jobs that have not ended.
    """

    queued: int
    running: int
    done: int
    failed: int
    cancelled: int
    paused: bool
    waiting_units: int


class QueueReader:
    """Reads a queue."""

    def __init__(self, workspace: Workspace, database: Database) -> None:
        self.workspace, self.database = workspace, database
        self.events = EventLog(database)

    def job(self, number: int) -> QueuedJob:
        """Returns a job.

        Raises:
            UnknownJob: there is none.
        """
        row = self.database.read_one(f"SELECT {job_columns()} FROM jobs WHERE id = ?", (whole_number(number),))
        if row is None:
            raise unknown_job(number)
        return job_of(row)

    def request(self, number: int) -> str:
        """Returns the job's own JSON, as `job_from_json` reads it.

        Raises:
            UnknownJob: there is none.
        """
        row = self.database.read_one("SELECT job FROM jobs WHERE id = ?", (whole_number(number),))
        if row is None:
            raise unknown_job(number)
        return row["job"]

    def jobs(
        self, states: Sequence[State] = (), *, before: int | None = None, most: int = 100, kinds: Sequence[str] = ()
    ) -> list[QueuedJob]:
        """Returns jobs, newest first: of `states` and `kinds`, all if empty; with numbers below `before`, for paging."""
        where, values = ["1"], []
        for column, wanted in (("state", states), ("kind", kinds)):
            if wanted:
                where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += map(str, wanted)
        if before is not None:
            where.append("id < ?")
            values.append(whole_number(before))
        rows = self.database.read(
            f"SELECT {job_columns()} FROM jobs WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", [*values, most]
        )
        return [job_of(row) for row in rows]

    def waiting(self, *, most: int = 1000) -> list[QueuedJob]:
        """Returns the running jobs, then the queued ones in the order in which they will run, paused ones included."""
        rows = self.database.read(
            f"SELECT {job_columns()} FROM jobs WHERE state IN ('running', 'queued') "
            "ORDER BY state = 'queued', priority DESC, position LIMIT ?",
            (most,),
        )
        return [job_of(row) for row in rows]

    def place(self, number: int) -> int:
        """Returns how many jobs run or wait before this one; 0 for a running or an ended one.

        Raises:
            UnknownJob: there is none.
        """
        one = self.job(number)
        if one.state is not State.QUEUED:
            return 0
        row = self.database.read_one(
            "SELECT count(*) AS n FROM jobs WHERE state = 'running' OR "
            "(state = 'queued' AND paused = 0 AND (priority > ? OR (priority = ? AND position < ?)))",
            (one.priority, one.priority, one.position),
        )
        return row["n"] if row else 0

    def units(self, number: int, *, after: int = -1, most: int = 1000) -> list[Unit]:
        """Returns the units of a job that have begun, by their numbers, from `after` + 1 on."""
        rows = self.database.read(
            "SELECT * FROM units WHERE job = ? AND number > ? ORDER BY number LIMIT ?", (whole_number(number), after, most)
        )
        return [unit_of(row) for row in rows]

    def preview(self, number: int, picture: int = 0) -> bytes | None:
        """Returns the last preview of a running job's picture, a JPEG; None if there is none."""
        row = self.database.read_one(
            "SELECT image FROM previews WHERE job = ? AND number = ?", (whole_number(number), whole_number(picture))
        )
        return row["image"] if row else None

    def last_progress(self, number: int) -> dict[str, Any] | None:
        """Returns the data of the last progress event of a job, if it is still there."""
        row = self.database.read_one(
            "SELECT data FROM events WHERE job = ? AND kind = 'progress' ORDER BY id DESC LIMIT 1", (whole_number(number),)
        )
        return json.loads(row["data"]) if row else None

    def counts(self) -> Counts:
        """Returns how many jobs there are in each state."""
        rows = self.database.read(
            "SELECT state, count(*) AS n, sum(units - units_done - units_failed) AS left FROM jobs GROUP BY state"
        )
        found = {row["state"]: row["n"] for row in rows}
        left = sum(row["left"] for row in rows if row["state"] in ("queued", "running"))
        return Counts(
            found.get("queued", 0), found.get("running", 0), found.get("done", 0), found.get("failed", 0),
            found.get("cancelled", 0), self.paused, left,
        )  # fmt: skip

    def workers(self) -> list[dict[str, Any]]:
        """Returns the workers that were seen in the last minute: id, host, pid, slot, started_at, seen_at, note."""
        rows = self.database.read("SELECT * FROM workers WHERE seen_at > ? ORDER BY slot", (time.time() - 60,))
        return [{name: row[name] for name in row.keys() if name not in ("boot", "born")} for row in rows]  # noqa: SIM118

    @property
    def paused(self) -> bool:
        """Whether the whole queue is paused: running jobs finish their present unit, nothing else begins."""
        return self.database.read_one("SELECT 1 FROM facts WHERE name = ?", (PAUSED,)) is not None


def every_unit(queue: QueueReader, number: int) -> Iterator[Unit]:
    """Yields all units of a job that have begun."""
    after = -1
    while found := queue.units(number, after=after):
        yield from found
        after = found[-1].number


def job_in(link: Connection, number: int) -> QueuedJob:
    row = link.execute(f"SELECT {job_columns()} FROM jobs WHERE id = ?", (whole_number(number),)).fetchone()
    if row is None:
        raise unknown_job(number)
    return job_of(row)


def whole_number(number: int) -> int:
    """SQLite's integers have 64 bits: a larger one is no job's."""
    return number if -(2**63) <= number < 2**63 else -1


def unknown_job(number: int) -> UnknownJob:
    return UnknownJob(f"there is no job {number}: `impasto queue list --all` lists all")
