"""What all training jobs share: they take a run's folder, tell how far they are, and hear that they should end."""

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

# What a run that has begun may be given anew: its steps do not depend on it.
CHANGEABLE = ("minutes", "validation_every", "validation_pictures", "keep_states", "keep_best")
NO_CHOICES = ("out", "seed", "command", "dry_run")
# What a recipe tells in this way is a note for the user, not a stage.
NOTES = ("skipped ", "lacking ", "begun with ")


class RefusedByFirst(ImpastoError):
    """The first of several processes was refused and says why. This process ends with the same exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("the first process was refused")
        self.exit_code = exit_code


@dataclass(frozen=True)
class Trained:
    """What a training made.

    Attributes:
        run: the run's folder.
        made: the folder with the result; None where the run was complete already, and nothing was trained.
    """

    run: Path
    made: Path | None


@dataclass(frozen=True)
class TrainingRun:
    """A run that has begun: its folder, what a recipe asks, and what it calls with (stage, share done, losses)."""

    path: Path
    should_stop: Callable[[], bool]
    on_progress: Callable[[str, float, dict[str, float]], None]


def check_numbers(minutes: float, seed: int) -> None:
    """Raises UsageError where the numbers make no sense."""
    if not 0 < minutes <= 1_000_000:
        raise UsageError(f"minutes {minutes:g}: use more than 0")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed}: use 0 to {2**63 - 1}")


def check_files(catalogue: Path | None, records: Path | None = None) -> None:
    """Raises UsageError where a folder or file is not there."""
    if catalogue is not None and not catalogue.is_dir():
        raise UsageError(f"--catalogue {catalogue}: there is no such folder")
    if records is not None and not records.is_file():
        raise UsageError(f"--records {records}: there is no such file")


class TrainingJob(Job):
    """One training, in a run's folder. The same job takes up a run that was stopped.

    Attributes:
        out: the run's folder; None for `runs/<recipe>`.
        seed: of the run's random numbers.
        command: the words of the command line that began it, for `impasto runs resume`; none from Python.
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
        """The recipe's name, as `impasto train` has it."""
        return self.kind.partition("/")[2]

    def check_values(self) -> None:
        """Raises UsageError where a field makes no sense, whatever the disk holds."""

    def recorded(self) -> dict[str, Any]:
        """The choices that the run's folder remembers, given ones first. A run goes on only with the same choices."""
        own = {name: field for name, field in type(self).model_fields.items() if name not in NO_CHOICES}
        values = {name: getattr(self, name) for name in own}
        return dict(sorted(values.items(), key=lambda choice: choice[1] == own[choice[0]].default))

    def result_figures(self, made: Path) -> dict[str, Any]:
        """What there is to say of the result, beside its folder; JSON values."""
        del made
        return {}

    def train_in_folder(self, context: Context, train: Callable[[TrainingRun], Path]) -> Trained:
        """Takes the run's folder, calls `train`, and reports the `Figures` `run` and `made`.

        Raises:
            UsageError: the folder is another run's, or this recipe has one process only.
            RefusedByFirst: the first process was refused.
            StoppedError: it was stopped; the message says how to go on.
        """
        run = self._begin(context)
        if run is None:
            return Trained(self.out or Path("runs") / self.recipe, None)
        with run:
            try:
                made = train(_talking(run, context))
            except KeyboardInterrupt:
                raise StoppedError(
                    f"stopped: `impasto runs resume {run.path}`, or the same command, goes on from what is kept there"
                ) from None
        context.figures(run=str(run.path), made=str(made), **self.result_figures(made))
        return Trained(run.path, made)

    def _begin(self, context: Context) -> "RunFolder | None":
        """The run's folder, taken; None where the run is complete. Of several processes the first one takes it."""
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
            context.note(f"{run.path}: the run is already complete")
            return None
        return run


class TimedTrainingJob(TrainingJob):
    """A training for some minutes.

    Attributes:
        minutes: how long to train, all restarts together.
    """

    minutes: float

    def check_values(self) -> None:
        """Raises UsageError where minutes or seed make no sense."""
        check_numbers(self.minutes, self.seed)

    def check_disk(self) -> None:
        """Raises UsageError where a folder or file is not there."""

    def train(self, run: TrainingRun) -> Path:
        """Trains in the run's folder; returns the folder with the result.

        Raises:
            UsageError, MissingPart, ImpastoError, KeyboardInterrupt: as the recipe.
        """
        raise NotImplementedError

    def run(self, context: Context) -> Any:
        """Trains, or goes on; returns `Trained`.

        Raises:
            UsageError, MissingPart, ImpastoError: something is not there, or the recipe failed.
            StoppedError: it was stopped; the same job goes on.
        """
        self.check_disk()
        return self.train_in_folder(context, self.train)


def _talking(run: "RunFolder", context: Context) -> TrainingRun:
    """The run, whose progress the context hears, and which either of them can stop.

    The context stops what comes before the first step at once. From then on a stop waits for the end of a step, so that the
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
