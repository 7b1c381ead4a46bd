"""Rows of the queue as typed objects. They hold JSON types only, so `asdict` of one is what the API answers."""

import json
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Row
from typing import Any

from impasto.errors import ImpastoError, UsageError


class State(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (State.DONE, State.FAILED, State.CANCELLED)


class UnknownJob(UsageError):
    """There is no job with this number: it never existed, or it was cleared."""


class QueueFull(ImpastoError):
    """The queue has as many jobs as it takes; nothing was accepted."""


class LeaseLost(Exception):
    """The job is not this worker's any more: it was taken up by another one, or deleted."""


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue.

    Attributes:
        id: its number, 1 and up; never used again.
        kind, title: the verb, and a few words that tell it from others.
        state: see `State`; `paused` tells whether a queued job waits for `resume`, or a running one is about to.
        stopping: "cancel" or "pause", asked for but not yet done; else None.
        origin: who asked: "cli", "studio", "api".
        priority: higher ones run first; 0 is usual. `position`: lower ones first, within a priority.
        attempts: how often a worker began or resumed it.
        units, units_done, units_failed: into how many parts it is divided, and how many of them have ended.
        error: why it failed, one sentence.
        created_at, started_at, finished_at: seconds since 1970.
        sequence: the number of the event of its last change; a higher one is newer.
        request: the asker's own key, if it gave one.
    """

    id: int
    kind: str
    title: str
    state: State
    paused: bool
    stopping: str | None
    origin: str
    priority: int
    position: float
    attempts: int
    units: int
    units_done: int
    units_failed: int
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    sequence: int
    request: str | None


_COLUMNS = (
    "id, kind, title, state, paused, stop, origin, priority, position, attempts, units, units_done, units_failed, error, "
    "created_at, started_at, finished_at, sequence, request"
)


def job_columns() -> str:
    """Returns the columns that `job_of` reads, for SQL."""
    return _COLUMNS


def job_of(row: Row) -> QueuedJob:
    """Converts a row with `job_columns`."""
    values = dict(row)
    return QueuedJob(
        **{
            **{name: value for name, value in values.items() if name != "stop"},
            "state": State(values["state"]),
            "paused": bool(values["paused"]) or values["stop"] == "pause",
            "stopping": values["stop"],
        }
    )


@dataclass(frozen=True)
class MadePicture:
    """A picture that a unit made.

    Attributes:
        id: the first 20 hexadecimal digits of the SHA-256 of its file; "" for a picture that its job put in place itself.
        name: its file's name in `pictures/`, or the whole path of a picture elsewhere.
        seed, prompt, artist: of its record, if it has one.
    """

    id: str
    name: str
    seed: int | None = None
    prompt: str = ""
    artist: str = ""


@dataclass(frozen=True)
class Unit:
    """One part of a job that has begun.

    Attributes:
        number: from 0.
        state: "running", "done", "failed", or "waiting" to be begun again.
        attempts: how often it was begun; `deaths`: how often a worker died with it.
        pictures: what it made.
        report: what the job returned, as JSON types, for kinds that make no pictures; None if there is nothing to tell.
        error: why it failed, one sentence.
    """

    job: int
    number: int
    state: str
    attempts: int
    deaths: int
    error: str | None
    pictures: tuple[MadePicture, ...]
    started_at: float | None
    finished_at: float | None
    report: Any = None


def unit_of(row: Row) -> Unit:
    """Converts a row of `units`."""
    result: dict[str, Any] = json.loads(row["result"]) if row["result"] else {}
    return Unit(
        row["job"], row["number"], row["state"], row["attempts"], row["deaths"], row["error"],
        tuple(MadePicture(**picture) for picture in result.get("pictures", ())), row["started_at"], row["finished_at"],
        result.get("report"),
    )  # fmt: skip


@dataclass(frozen=True)
class QueueEvent:
    """What happened, in the order in which it did.

    Attributes:
        id: increasing; what a client names in `Last-Event-ID`.
        job: the job's number; None for the whole queue.
        kind: "job" (its state or place changed; data is the job), "progress", "preview", "note", "failure", "figures",
            "picture" (one is finished) or "queue" (paused, resumed or cleared).
        data: JSON types.
        at: seconds since 1970.
    """

    id: int
    job: int | None
    kind: str
    data: dict[str, Any]
    at: float
