"""The work of a tool: a job in the queue, whose progress is told while it runs, and which is cancelled with its call."""

import asyncio
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from impasto.errors import ImpastoError
from impasto.jobs.base import Job
from impasto.queue.records import ENDED, QueuedJob, State
from impasto.studio.clients.work import Picture, ServerEnds, add, cancel, pictures
from impasto.studio.state import Studio

_TELL_SECONDS = 0.2


async def painted(studio: Studio, job: Job, context: Context[Any]) -> tuple[QueuedJob, list[Picture]]:
    """Adds a job, tells its progress until it has ended, and returns it with its pictures.

    Raises:
        JobFailed, ImpastoError: it failed, or nothing was accepted.
    """
    ended = await _done(studio, job, context)
    return ended, await asyncio.to_thread(pictures, studio, ended)


async def reported(studio: Studio, job: Job, context: Context[Any]) -> Any:
    """Adds a job that makes no pictures, and returns what it returned, as JSON types; None if it was cancelled.

    Raises:
        JobFailed, ImpastoError: it failed, or nothing was accepted.
    """
    ended = await _done(studio, job, context)
    await asyncio.to_thread(pictures, studio, ended)  # raises its error
    units = await asyncio.to_thread(studio.queue.units, ended.id)
    return units[0].report if units else None


async def _done(studio: Studio, job: Job, context: Context[Any]) -> QueuedJob:
    (number,) = await asyncio.to_thread(add, studio, [job], "mcp")
    try:
        return await _watched(studio, number, context)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await asyncio.to_thread(cancel, studio, [number])
        raise


async def _watched(studio: Studio, number: int, context: Context[Any]) -> QueuedJob:
    told = -1.0
    while True:
        job = await studio.news.ended(number, _TELL_SECONDS)
        done, text = await asyncio.to_thread(_standing, studio, job)
        if done > told:  # progress may only grow
            told = done
            await context.report_progress(done, job.units, text)
        if job.state in ENDED:
            return job
        if studio.news.ending:
            raise ServerEnds(f"the server ends: job {number} goes on when it is started again")


def _standing(studio: Studio, job: QueuedJob) -> tuple[float, str]:
    done = float(job.units_done + job.units_failed)
    if job.state is State.RUNNING:
        told = studio.queue.last_progress(job.id) or {}
        share = told.get("share") if told.get("unit") == done and told.get("stage") != "loading" else None
        return done + min(0.99, max(0.0, float(share or 0.0))), f"part {int(done) + 1} of {job.units}"
    if job.state is State.QUEUED:
        try:
            return done, f"waits: {studio.queue.place(job.id)} jobs before it"
        except ImpastoError:
            return done, "waits"
    return done, str(job.state)
