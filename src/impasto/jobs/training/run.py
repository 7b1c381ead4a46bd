"""Base classes of all training jobs: locking the run's folder, reporting progress, and handling stop requests."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.events import Progress
from impasto.training.distributed.launch import process_count, process_number, told_by_first

if TYPE_CHECKING:
    from impasto.training.runs.folder import RunFolder

# Options that may change when a run is resumed: its steps do not depend on them.
CHANGEABLE = ("minutes", "validation_every", "validation_pictures", "keep_states", "keep_best", "consent")
NO_CHOICES = ("out", "seed", "command", "dry_run")
# If a recipe reports a stage that begins like this, it is a note for the user and not a stage.
NOTES = ("skipped ", "lacking ", "begun with ")


class RefusedByFirst(ImpastoError):
    """The first of several processes was refused and reports the reason. This process ends with the same exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("the first process was refused")
        self.exit_code = exit_code


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        run: the run's folder.
        made: the folder with the result; None if the run was already complete and nothing was trained.
    """

    run: Path
    made: Path | None


@dataclass(frozen=True)
class TrainingRun:
    """A run in progress, as a recipe sees it.

    Attributes:
        path: the run's folder.
        should_stop: returns whether the recipe should stop.
        on_progress: called by the recipe with (stage, share done, losses).
    """

    path: Path
    should_stop: Callable[[], bool]
    on_progress: Callable[[str, float, dict[str, float]], None]


def check_numbers(minutes: float, seed: int) -> None:
    """Raises UsageError if a number is invalid."""
    if not 0 < minutes <= 1_000_000:
        limit = "at most 1000000" if minutes > 0 else "more than 0"
        raise UsageError(f"minutes {minutes:g}: use {limit}")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed}: use 0 to {2**63 - 1}")


def check_files(catalogue: Path | None, records: Path | None = None) -> None:
    """Raises UsageError if a folder or file does not exist."""
    if catalogue is not None and not catalogue.is_dir():
        raise UsageError(f"--catalogue {catalogue}: there is no such folder")
    if records is not None and not records.is_file():
        raise UsageError(f"--records {records}: there is no such file")


class TrainingJob(Job):
    """One training in a run's folder. Running the same job again resumes a stopped run.

    Attributes:
        out: the run's folder; None for `runs/<recipe>`.
        seed: seed of the run's random numbers.
        command: the words of the command line that started it, for `impasto runs resume`; empty from Python.
    """

    together: ClassVar[bool] = False  # whether several processes can train it together

    out: Path | None = None
    seed: int = 0
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_values()
        return self

    @property
    def recipe(self) -> str:
        """The recipe's name, as in `impasto train`."""
        return self.kind.partition("/")[2]

    def check_values(self) -> None:
        """Raises UsageError if a field is invalid, without looking at the disk."""

    def recorded(self) -> dict[str, Any]:
        """Returns the options that the run's folder records, given ones first. Resuming a run needs the same options."""
        own = {name: field for name, field in type(self).model_fields.items() if name not in NO_CHOICES}
        values = {name: getattr(self, name) for name in own}
        return dict(sorted(values.items(), key=lambda choice: choice[1] == own[choice[0]].default))

    def result_figures(self, made: Path) -> dict[str, Any]:
        """Returns further values about the result, besides its folder; JSON types."""
        del made
        return {}

    def tell_complete(self, run: Path, context: Context) -> None:
        """Notes that the run is complete; nothing is trained."""
        context.note(f"{run}: the run is already complete")

    def train_in_folder(self, context: Context, train: Callable[[TrainingRun], Path]) -> Trained:
        """Locks the run's folder, calls `train`, and reports the `Figures` `run` and `made`.

        Raises:
            UsageError: the folder belongs to another run, or this recipe supports one process only.
            RefusedByFirst: the first process was refused.
            StoppedError: the training was stopped; the message states how to resume.
        """
        run = self._begin(context)
        if run is None:
            return Trained(self.out or Path("runs") / self.recipe, None)
        from impasto.settings import flushed_denormals

        with run, flushed_denormals():  # before there are threads
            try:
                made = train(_talking(run, context))
            except KeyboardInterrupt:
                again = f"`impasto runs resume {run.path}`, or the same command," if self.command else "the same call"
                kept = "there" if self.command else f"in {run.path}"
                raise StoppedError(f"stopped: {again} goes on from what is kept {kept}") from None
        context.figures(run=str(run.path), made=str(made), **self.result_figures(made))
        return Trained(run.path, made)

    def _begin(self, context: Context) -> "RunFolder | None":
        """Locks the run's folder; None if the run is complete. Of several processes, the first one locks it."""
        from impasto.training.runs.folder import RunFolder

        run = RunFolder(self.out or Path("runs") / self.recipe)
        if run.path.exists() and not run.path.is_dir():
            raise UsageError(f"--run {run.path} is not a folder")
        if process_count() > 1 and not self.together:
            raise UsageError(f"{self.recipe} is trained by one process: give the command without `accelerate launch`")
        if process_number() > 0:
            told = told_by_first()
            if told > 1:
                raise RefusedByFirst(told - 1)
            return None if told else run.follow()
        try:
            run.begin(self.recipe, self.command, self.recorded(), self.seed, changeable=CHANGEABLE)
        except ImpastoError as error:
            told_by_first(1 + error.exit_code)
            raise
        told_by_first(1 if run.is_complete else 0)
        if run.is_complete:
            run.close()
            self.tell_complete(run.path, context)
            return None
        return run


class TimedTrainingJob(TrainingJob):
    """A training with a time limit.

    Attributes:
        minutes: total duration of the training, including all restarts.
    """

    minutes: float

    def check_values(self) -> None:
        """Raises UsageError if minutes or seed are invalid."""
        check_numbers(self.minutes, self.seed)

    def check_disk(self) -> None:
        """Raises UsageError if a folder or file does not exist."""

    @abstractmethod
    def train(self, run: TrainingRun) -> Path:
        """Trains in the run's folder and returns the folder with the result.

        Raises:
            UsageError, MissingPart, ImpastoError, KeyboardInterrupt: the same as the recipe.
        """

    def run(self, context: Context) -> Any:
        """Trains or resumes, and returns `Trained`.

        Raises:
            UsageError, MissingPart, ImpastoError: a part does not exist, or the recipe failed.
            StoppedError: the training was stopped; the same job resumes it.
        """
        self.check_disk()
        return self.train_in_folder(context, self.train)


def _talking(run: "RunFolder", context: Context) -> TrainingRun:
    """Connects the run to the context: progress is reported to the context, and both can stop the run.

    Before the first step, the context stops the run immediately. After that, a stop waits for the end of a step, so that the
    step's state is written.
    """
    asked = False

    def should_stop() -> bool:
        nonlocal asked
        asked = True
        return run.should_stop() or context.should_stop()

    def on_progress(stage: str, share: float, losses: dict[str, float]) -> None:
        if stage.startswith(NOTES):
            context.note(stage)
            return
        if not asked:
            context.check()
        context.on_event(Progress(stage, share, losses))

    return TrainingRun(run.path, should_stop, on_progress)
