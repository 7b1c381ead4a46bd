"""A verb's job, run: its events become a bar and notes on stderr."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from impasto.cli.console import progress_bar, say_error, say_note

if TYPE_CHECKING:
    from impasto.jobs.base import Job
    from impasto.jobs.events import Event, PictureDone


def run_job(
    job: "Job",
    *,
    begin: str = "loading",
    on_picture: "Callable[[PictureDone], None] | None" = None,
    on_event: "Callable[[Event], None] | None" = None,
) -> Any:
    """Runs `job` and returns what it made.

    Args:
        begin: what the bar says before the first progress.
        on_picture: hears of each finished picture.
        on_event: hears what is neither progress nor a note, a failure or a finished picture.

    Raises:
        ImpastoError, StoppedError: as the job.
    """
    from impasto.jobs.context import Context
    from impasto.jobs.events import Failure, Note, PictureDone, Progress

    with progress_bar(begin, 1.0) as update:

        def hear(event: "Event") -> None:
            if isinstance(event, Progress):
                update(event.stage, event.share or 0.0)
            elif isinstance(event, Note):
                say_note(event.text)
            elif isinstance(event, Failure):
                say_error(event.text)
            elif isinstance(event, PictureDone) and on_picture is not None:
                on_picture(event)
            elif on_event is not None:
                on_event(event)

        return job.run(Context(on_event=hear))
