"""Runs the jobs of the Python API with one pool of painters per process; notes go to the logger `impasto`."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError
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
    """Logs notes and failures as warnings of the logger `impasto`; ignores other events."""
    if isinstance(event, Note | Failure):
        _LOG.warning("%s", event.text)


def run_job(job: "Job", on_event: OnEvent | None = None, should_stop: ShouldStop | None = None) -> Any:
    """Runs `job` with the process's painters and returns its result.

    Args:
        job: the job.
        on_event: called with every event, instead of the logger.
        should_stop: called repeatedly; True ends the job with `StoppedError`.
    """
    context = Context(painters=_POOL, on_event=on_event or log_notes)
    if should_stop is not None:
        context.should_stop = should_stop
    return job.run(context)


def as_path(name: str, value: str | Path) -> Path:
    """Returns the argument `name` as a path.

    Raises:
        UsageError: it is neither text nor a path.
    """
    try:
        return Path(value)
    except TypeError:
        raise UsageError(f"{name} {value!r}: give a path") from None


def as_words(name: str, value: Sequence[str] | None) -> tuple[str, ...] | None:
    """Returns the argument `name` as a tuple.

    Raises:
        UsageError: it is one text, whose letters would be taken for the words.
    """
    if isinstance(value, str):
        raise UsageError(f"{name} {value!r}: use a list, such as [{value!r}]")
    return None if value is None else tuple(value)


def forget_painters() -> None:
    """Releases the checkpoints that are kept loaded."""
    _POOL.clear()
