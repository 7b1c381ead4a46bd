"""What all verbs of `impasto train` share: the job of the verb is run, and its events become a bar and lines."""

from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.console import one_line, say, say_note
from impasto.cli.run_job import run_job
from impasto.cli.train.estimate import note_estimate, say_estimate
from impasto.cli.train.line import PipedLine, TrainingLine, choices_line

if TYPE_CHECKING:
    from impasto.jobs.events import Event, Progress
    from impasto.jobs.training.run import TrainingJob


def words_of(context: typer.Context) -> tuple[str, ...]:
    """The words of the whole command line, for a run to remember."""
    return tuple(context.find_root().obj or ())


def run_verb(context: typer.Context) -> Any:
    """Runs the job of the verb's name: its fields have the names of the verb's parameters. Returns what it made."""
    from impasto.jobs import job_class

    job: Any = job_class(f"train/{context.info_name}")(**context.params, command=words_of(context))
    return run_training(job)


def run_training(job: "TrainingJob") -> Any:
    """Runs a training, tells how it goes, and says where the result is. Returns what it made.

    Raises:
        ImpastoError, StoppedError: as the job.
        typer.Exit: this is not the first of several processes, and the first one was refused.
    """
    from impasto.jobs.training.run import RefusedByFirst

    told = _Told(getattr(job, "dry_run", False))
    try:
        return run_job(job, begin="starting", times=False, on_progress=told.progress, on_event=told.event)
    except RefusedByFirst as error:
        raise typer.Exit(error.exit_code) from None


class _Told:
    """A training's events as words: of a dry run on stdout, of a real one as notes."""

    def __init__(self, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._line, self._piped = TrainingLine(), PipedLine()

    def progress(self, event: "Progress") -> str:
        """The words for the bar; through a pipe they are a line now and then."""
        share = event.share or 0.0
        text = one_line(self._line.text(event.stage, share, event.figures))
        self._piped.tell(text, share)
        return text

    def event(self, event: "Event") -> None:
        """The choices, the estimate and the result."""
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
