"""How Python's functions run their jobs: one pool of painters for the process, notes to the logger `impasto`."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from impasto.jobs.context import Context
from impasto.jobs.events import Event, Failure, Note
from impasto.jobs.painter_pool import PainterPool

if TYPE_CHECKING:
    from impasto.jobs.base import Job

OnEvent = Callable[[Event], None]
ShouldStop = Callable[[], bool]

_LOG = logging.getLogger("impasto")
_POOL = PainterPool()


def log_notes(event: Event) -> None:
    """Notes and failures become warnings of the logger `impasto`; other events are not heard."""
    if isinstance(event, Note | Failure):
        _LOG.warning("%s", event.text)


def run_job(job: "Job", on_event: OnEvent | None = None, should_stop: ShouldStop | None = None) -> Any:
    """Runs `job` with the process's painters and returns what it made.

    Args:
        on_event: hears every event in place of the logger.
        should_stop: asked again and again; True ends the job with `StoppedError`.
    """
    context = Context(painters=_POOL, on_event=on_event or log_notes)
    if should_stop is not None:
        context.should_stop = should_stop
    return job.run(context)


def forget_painters() -> None:
    """Lets go of the checkpoints that are kept loaded."""
    _POOL.clear()
