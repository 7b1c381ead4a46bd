"""Jobs of clients that wait for the answer: they are added to the queue, waited for, and their pictures are read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.base import Job
from impasto.queue.reading import every_unit
from impasto.queue.records import ENDED, QueuedJob, State
from impasto.studio.state import Studio

DISCONNECT = "x-cancel-on-disconnect"
PREVIEW_EVERY = 5  # steps between two previews of what such a client waits for
_UNEXPECTED = "unexpected "  # how the queue tells what is no error of the request
_LOOK_SECONDS = 1.0


class JobFailed(UsageError):
    """The job failed, and its sentence says what to do."""


class ServerEnds(ImpastoError):
    """The server ends while a client waits; the job goes on with the next start."""


@dataclass(frozen=True)
class Picture:
    """A finished picture: its id in the gallery, its file, and the job that made it."""

    id: str
    path: Path
    job: int


def add(studio: Studio, jobs: Sequence[Job], origin: str) -> list[int]:
    """Adds jobs to the queue, all or none, and returns their numbers.

    Raises:
        QueueFull, DatabaseBusy, DiskFull: nothing was accepted.
    """
    return [one.id for one in studio.queue.add_all(jobs, origin=origin)]


async def wait(
    studio: Studio, numbers: Sequence[int], is_gone: Callable[[], Awaitable[bool]] | None = None
) -> list[QueuedJob]:
    """Waits until all jobs have ended, and returns them in their order.

    Args:
        studio: the studio.
        numbers: the jobs.
        is_gone: whether the client is; then the jobs are cancelled. None for a client whose jobs go on without it.

    Raises:
        ServerEnds: the server ends first. UnknownJob: a job was cleared.
    """
    return [await _wait_one(studio, number, numbers, is_gone) for number in numbers]


async def _wait_one(
    studio: Studio, number: int, numbers: Sequence[int], is_gone: Callable[[], Awaitable[bool]] | None
) -> QueuedJob:
    while True:
        job = await studio.news.ended(number, _LOOK_SECONDS)
        if job.state in ENDED:
            return job
        if studio.news.ending:
            raise ServerEnds(f"the server ends: job {number} goes on when it is started again")
        if is_gone is not None and await is_gone():
            await asyncio.to_thread(cancel, studio, numbers)
            is_gone = None


def gone(request: Request) -> Callable[[], Awaitable[bool]] | None:
    """Returns what tells whether a client has left, if it wants its jobs to be cancelled then."""
    wants = request.headers.get(DISCONNECT, "").strip().lower()
    return request.is_disconnected if wants in ("1", "true", "yes") else None


def cancel(studio: Studio, numbers: Sequence[int]) -> int:
    """Cancels those of the jobs that have not ended, and returns how many."""
    done = 0
    for number in numbers:
        try:
            done += studio.queue.cancel(number)
        except UsageError:
            continue  # it was cleared meanwhile
    return done


def pictures(studio: Studio, job: QueuedJob) -> list[Picture]:
    """Returns the pictures that a job has finished.

    Raises:
        JobFailed, ImpastoError: it failed, or a picture is gone.
    """
    if job.state is State.FAILED:
        raise failure(job)
    made = [one for unit in every_unit(studio.queue, job.id) if unit.state == "done" for one in unit.pictures]
    found = [Picture(one.id, studio.workspace.pictures / one.name, job.id) for one in made]
    for one in found:
        if not one.path.is_file():
            raise ImpastoError(f"picture {one.id} of job {job.id} is not there any more")
    return found


def failure(job: QueuedJob) -> ImpastoError:
    """Returns why a job failed: an error of the request, unless nobody expected it."""
    sentence = job.error or "it failed"
    kind = ImpastoError if sentence.startswith(_UNEXPECTED) else JobFailed
    return kind(f"job {job.id} failed: {sentence}")
