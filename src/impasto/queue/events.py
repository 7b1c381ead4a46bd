"""The log of events: written in the same transaction as what they tell, read by number, bounded."""

import io
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from impasto.database import Database
from impasto.queue.records import QueueEvent, job_columns, job_of

if TYPE_CHECKING:
    from impasto.jobs.events import Event

MOST_EVENTS = 20_000  # kept; a client that is further behind is told so
LARGEST_REPORT = 256 << 10  # characters of JSON
_AT_ONCE = 500  # deleted together


def write_event(link: Connection, kind: str, job: int | None, data: dict[str, Any]) -> int:
    """Writes an event within a transaction and returns its number. Old ones are deleted from time to time."""
    made = link.execute(
        "INSERT INTO events (job, kind, data, at) VALUES (?, ?, ?, ?)",
        (job, kind, json.dumps(data, ensure_ascii=False), time.time()),
    )
    number = made.lastrowid or 0
    if number % _AT_ONCE == 0:
        link.execute("DELETE FROM events WHERE id <= ?", (number - MOST_EVENTS,))
    return number


def tell_job(link: Connection, number: int) -> int:
    """Writes the event "job" about a job's present state, within the transaction that changed it."""
    sequence = write_event(link, "job", number, {})
    link.execute("UPDATE jobs SET sequence = ? WHERE id = ?", (sequence, number))
    row = link.execute(f"SELECT {job_columns()} FROM jobs WHERE id = ?", (number,)).fetchone()
    link.execute("UPDATE events SET data = ? WHERE id = ?", (json.dumps(asdict(job_of(row))), sequence))
    return sequence


class EventLog:
    """Reads the events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> int:
        """Returns the number of the last event, 0 if there was none."""
        row = self._database.read_one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return row["seq"] if row else 0

    def since(self, number: int, *, job: int | None = None, most: int = 500) -> tuple[list[QueueEvent], bool]:
        """Returns the events after `number`, oldest first, at most `most`, and whether none is missing.

        If some are missing, because they were deleted or `number` is of another file, the reader must read the present state
        anew; the events then are those that are still there.
        """
        last = self.last()
        row = self._database.read_one("SELECT min(id) AS first FROM events")
        first = row["first"] if row and row["first"] is not None else last + 1
        whole = first - 1 <= number <= last
        after = number if number <= last else 0
        where = "id > ?" if job is None else "id > ? AND job = ?"
        rows = self._database.read(
            f"SELECT id, job, kind, data, at FROM events WHERE {where} ORDER BY id LIMIT ?",
            (after, most) if job is None else (after, job, most),
        )
        return [QueueEvent(one["id"], one["job"], one["kind"], json.loads(one["data"]), one["at"]) for one in rows], whole

    def change(self) -> int:
        """Returns a number that differs from the last one if another connection has written to the file: cheap to ask."""
        row = self._database.read_one("PRAGMA data_version")
        return row[0] if row else 0


def event_data(event: "Event") -> tuple[str, dict[str, Any]] | None:
    """Returns kind and data of a job's event; None for those that the worker writes in its own way (pictures, previews)."""
    from impasto.jobs.events import Failure, Figures, Note, Progress

    if isinstance(event, Progress):
        return "progress", {"stage": event.stage, "share": event.share, "figures": _plain(event.figures)}
    if isinstance(event, Note):
        return "note", {"text": event.text}
    if isinstance(event, Failure):
        return "failure", {"text": event.text}
    if isinstance(event, Figures):
        return "figures", {"values": _plain(event.values)}
    return None


def preview_bytes(image: Any) -> bytes:
    """Returns an RGB picture of at most 256 px a side as JPEG."""
    small = image.convert("RGB")
    small.thumbnail((256, 256))
    data = io.BytesIO()
    small.save(data, format="JPEG", quality=80)
    return data.getvalue()


def report_of(result: Any) -> Any:
    """Returns what a job returned as JSON types, for kinds that make no pictures; None if it is large or cannot be told."""
    try:
        report = _plain(result)
        return report if len(json.dumps(report)) <= LARGEST_REPORT else None
    except (TypeError, ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    """Converts to JSON types; numbers that JSON has no value for become None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    item = getattr(value, "item", None)  # a number of numpy or torch
    return _plain(item()) if item is not None and getattr(value, "ndim", 1) == 0 else str(value)
