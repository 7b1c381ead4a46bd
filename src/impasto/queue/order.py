"""The order of jobs within a priority: each has a position, and the lowest runs first."""

from sqlite3 import Connection

from impasto.queue.reading import job_in
from impasto.queue.records import QueuedJob


def end_of(link: Connection, priority: int, front: bool, count: int) -> float:
    """Returns the first of `count` free positions at the end, or the front, of a priority; taken positions never recur."""
    what = "min(position)" if front else "max(position)"
    found = link.execute(f"SELECT {what} FROM jobs WHERE priority = ?", (priority,)).fetchone()[0]
    if found is None:
        return 0.0
    return float(found) - count if front else float(found) + 1.0


def place_before(link: Connection, other: QueuedJob, number: int) -> float:
    """Returns a position just before another job's; if there is no number between, the priority is numbered anew."""
    for _ in range(2):
        row = link.execute(
            "SELECT max(position) FROM jobs WHERE priority = ? AND position < ? AND id <> ?",
            (other.priority, other.position, number),
        ).fetchone()
        if row[0] is None:
            return other.position - 1.0
        middle = (row[0] + other.position) / 2
        if row[0] < middle < other.position:
            return middle
        rows = link.execute("SELECT id FROM jobs WHERE priority = ? ORDER BY position, id", (other.priority,)).fetchall()
        link.executemany("UPDATE jobs SET position = ? WHERE id = ?", [(float(n), one["id"]) for n, one in enumerate(rows)])
        other = job_in(link, other.id)
    raise AssertionError("whole numbers have room between them")
