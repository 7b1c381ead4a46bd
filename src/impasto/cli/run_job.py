"""Runs a verb's job and shows its events as a progress bar and notes on stderr; or leaves it to the queue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from impasto.cli.console import progress_bar, say_error, say_note
from impasto.cli.fleet_options import FleetLine, chosen_place
from impasto.cli.stopping import asked_to_stop
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.base import Job
    from impasto.jobs.events import Event, PictureDone, Progress


class TakenJob(Exception):
    """Raised in place of running a job: it was taken, see `taking_job`."""

    def __init__(self, job: "Job") -> None:
        super().__init__()
        self.job = job


_taken = False


@contextmanager
def taking_job() -> Iterator[None]:
    """While this lasts, a verb checks its options and makes its job, and `run_job` raises `TakenJob` with it."""
    global _taken
    _taken = True
    try:
        yield
    finally:
        _taken = False


def run_job(
    job: "Job",
    *,
    begin: str = "loading",
    times: bool = True,
    on_progress: "Callable[[Progress], str] | None" = None,
    on_note: "Callable[[str], None] | None" = None,
    on_picture: "Callable[[PictureDone], None] | None" = None,
    on_event: "Callable[[Event], None] | None" = None,
) -> Any:
    """Runs `job` and returns its result; with `--on`, its units are done by the workers there.

    Args:
        job: the job.
        begin: the text of the bar before the first progress event.
        times: whether the bar shows the elapsed and the remaining time.
        on_progress: called with each progress event; returns the text for the bar. If not given, the text is the stage.
        on_note: called with each note; if not given, notes are printed on stderr.
        on_picture: called with each finished picture.
        on_event: called with all other events: neither progress nor a note, a failure or a finished picture.

    Raises:
        ImpastoError, StoppedError: the same as the job.
    """
    place = chosen_place()
    if _taken:
        if place is not None:
            raise UsageError("--on does not go with a queued job, which a worker runs: impasto queue work --on ...")
        raise TakenJob(job)
    if place is not None:
        on_progress = FleetLine(on_progress)
    from impasto.jobs.context import Context
    from impasto.jobs.events import Failure, Note, PictureDone, Progress

    with progress_bar(begin, 1.0, times=times) as update:

        def hear(event: "Event") -> None:
            if isinstance(event, Progress):
                update(event.stage if on_progress is None else on_progress(event), event.share or 0.0)
            elif isinstance(event, Note):
                (on_note or say_note)(event.text)
            elif isinstance(event, Failure):
                say_error(event.text)
            elif isinstance(event, PictureDone) and on_picture is not None:
                on_picture(event)
            elif on_event is not None:
                on_event(event)

        if place is None:
            return job.run(Context(on_event=hear))
        from impasto.fleet.run import check_divided, run_with
        from impasto.fleet.session import ray_session

        check_divided(job, place)
        update("starting Ray" if not place.address else f"connecting to {place.name}", 0.0)
        with ray_session(place) as ray, asked_to_stop() as should_stop:  # Ctrl-C before it ends all at once
            return run_with(ray, job, place, Context(on_event=hear, should_stop=should_stop))
