"""Runs the job of a verb of `impasto train` and shows its events as a progress bar and lines of text."""

from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.console import one_line, say, say_note
from impasto.cli.fleet_options import FLEET_NAMES
from impasto.cli.run_job import run_job
from impasto.cli.train.estimate import note_estimate, say_estimate
from impasto.cli.train.line import PipedLine, TrainingLine, choices_line

if TYPE_CHECKING:
    from impasto.jobs.events import Event, Progress
    from impasto.jobs.training.run import TrainingJob


def words_of(context: typer.Context) -> tuple[str, ...]:
    """Returns the words of the whole command line, which the run records."""
    return tuple(context.find_root().obj or ())


def run_verb(context: typer.Context, **changed: Any) -> Any:
    """Runs the job with the verb's name and returns its result; the job's fields have the names of the verb's parameters.

    `changed`: fields that differ from the parameters.
    """
    from impasto.jobs import job_class

    fields = {name: value for name, value in context.params.items() if name not in FLEET_NAMES}
    job: Any = job_class(f"train/{context.info_name}")(**{**fields, **changed}, command=words_of(context))
    return run_training(job)


def run_training(job: "TrainingJob") -> Any:
    """Runs a training, prints its progress and the folder of the result, and returns the job's result.

    Raises:
        ImpastoError, StoppedError: the same as the job.
        typer.Exit: this is not the first of several processes, and the first one was refused.
    """
    from impasto.jobs.training.run import RefusedByFirst

    told = _Told(getattr(job, "dry_run", False))
    try:
        return run_job(job, begin="starting", times=False, on_progress=told.progress, on_event=told.event)
    except RefusedByFirst as error:
        raise typer.Exit(error.exit_code) from None


class _Told:
    """Prints a training's events: those of a dry run on stdout, those of a real training as notes."""

    def __init__(self, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._line, self._piped = TrainingLine(), PipedLine()

    def progress(self, event: "Progress") -> str:
        """Returns the text for the bar; through a pipe, prints it at intervals."""
        share = event.share or 0.0
        text = one_line(self._line.text(event.stage, share, event.figures))
        self._piped.tell(text, share)
        return text

    def event(self, event: "Event") -> None:
        """Prints the options, the estimate and the result."""
        values: dict[str, Any] = getattr(event, "values", {})
        if "choices" in values:
            self._line, self._piped = TrainingLine(), PipedLine()  # one of several trainings begins
            (say if self._dry_run else say_note)(choices_line(values["choices"], values["given"]))
        elif "estimate" in values:
            from impasto.jobs.training.plan import estimate_from_json

            (say_estimate if self._dry_run else note_estimate)(estimate_from_json(values["estimate"]))
        elif "made" in values:
            say(values["made"])
            if "bytes" in values:
                say(f"{values['file']}: {values['bytes'] / 1e6:.2f} MB")
