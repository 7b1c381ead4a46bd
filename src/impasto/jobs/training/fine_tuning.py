"""What all trainings of a checkpoint on pictures share: choices that stand over the recipe's, an estimate, a dry run."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar

from impasto.checkpoints.size import SMALL
from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.training.plan import Learns, estimate_to_json, estimate_training
from impasto.jobs.training.run import TrainingJob, TrainingRun, check_files, check_numbers
from impasto.training.methods.fine_tuning_choices import FineTuning


class FineTuningJob(TrainingJob):
    """A checkpoint trained on pictures. None stands for the recipe's own choice.

    Attributes:
        minutes: how long to train, instead of epochs.
        dry_run: the job returns its `Estimate`, and trains nothing.
        epochs and the others: see `FineTuning`.
    """

    together: ClassVar[bool] = True
    learns: ClassVar[Learns] = "weights"

    minutes: float | None = None
    dry_run: bool = False
    epochs: float | None = None
    batch: int | None = None
    accumulation: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    warmup_steps: int | None = None
    final_rate: float | None = None
    weight_decay: float | None = None
    gradient_norm: float | None = None
    ema_decay: float | None = None
    precision: str | None = None
    gradient_checkpointing: bool | None = None
    size: int | None = None
    keep_states: int | None = None

    def changes(self, kind: type[FineTuning] = FineTuning) -> dict[str, Any]:
        """Which choices of the kind are given, and as what."""
        own = type(self).model_fields
        given = {choice.name: getattr(self, choice.name) for choice in fields(kind) if choice.name in own}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def base(self) -> str:
        """The checkpoint that is trained."""
        raise NotImplementedError

    @property
    def pictures_folder(self) -> Path:
        """The folder of pictures, which must be there."""
        raise NotImplementedError

    @property
    def whose(self) -> str | None:
        """Whose pictures are learned of those that are not held out, "" for everybody's; None for all there are."""
        return None

    @property
    def loop_steps(self) -> int | None:
        """How many steps the training makes; None for as many as minutes or epochs give."""
        raise NotImplementedError

    def choices(self) -> FineTuning:
        """The recipe's choices for the checkpoint, changed as the fields say.

        Raises:
            UsageError, MissingPart, ImpastoError: they do not go together; there is no such checkpoint.
        """
        raise NotImplementedError

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains in the run's folder; returns the folder with the result.

        Raises:
            UsageError, MissingPart, ImpastoError, KeyboardInterrupt: as the recipe.
        """
        raise NotImplementedError

    def how(self, run: TrainingRun) -> dict[str, Any]:
        """What all recipes are called with, by name."""
        return {
            "minutes": self.minutes,
            "seed": self.seed,
            "should_stop": run.should_stop,
            "on_progress": run.on_progress,
        }

    def check_values(self) -> None:
        """Raises UsageError where minutes or seed make no sense."""
        check_numbers(1.0 if self.minutes is None else self.minutes, self.seed)

    def run(self, context: Context) -> Any:
        """Trains, or goes on; returns `Trained`, or the `Estimate` of a dry run.

        It reports the `Figures` `choices` and `given`, then `estimate`, and at the end `run` and `made`.

        Raises:
            UsageError, MissingPart, ImpastoError: something is not there, or does not go together; the recipe failed.
            StoppedError: it was stopped; the same job goes on.
        """
        choices = self.choices()
        pictures = self.pictures_folder
        check_files(pictures)

        def tell_plan() -> Any:
            context.figures(choices=asdict(choices), given=list(self.changes(type(choices))))
            found = estimate_training(
                self.base, choices, pictures, self.whose, minutes=self.minutes, steps=self.loop_steps, learns=self.learns
            )
            context.figures(estimate=estimate_to_json(found))
            return found

        def train(run: TrainingRun) -> Path:
            tell_plan()
            return self.train(run, choices)

        return tell_plan() if self.dry_run else self.train_in_folder(context, train)


class RecipeJob(FineTuningJob):
    """A training whose recipe follows from the size of the checkpoint's pictures.

    Attributes:
        steps: how many steps to train, instead of epochs.
        snr_gamma and the others: see `FineTuning`.
    """

    steps: int | None = None
    snr_gamma: float | None = None
    noise_offset: float | None = None
    timestep_bias: float | None = None
    text_dropout: float | None = None
    validation_every: int | None = None
    validation_pictures: int | None = None
    keep_best: bool | None = None

    @property
    def loop_steps(self) -> int | None:
        """How many steps the training makes; None for as many as minutes or epochs give."""
        return self.steps

    def choices_for(self, side: int | None) -> FineTuning:
        """The choices for a checkpoint that paints `side` px.

        Raises:
            UsageError: they do not go together.
        """
        raise NotImplementedError

    def choices(self) -> FineTuning:
        """The choices for the checkpoint.

        Raises:
            UsageError, MissingPart, ImpastoError: they do not go together; there is no such checkpoint.
        """
        return self.choices_for(self.side())

    def side(self) -> int | None:
        """Pixels of a side of the checkpoint's pictures.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such checkpoint.
        """
        from impasto.checkpoints.listing import inspect_checkpoint

        return inspect_checkpoint(self.base).default_size

    def check_values(self) -> None:
        """Raises UsageError where a choice makes no sense for any checkpoint, or a number makes none."""
        faults: list[str] = []
        for side in (SMALL, 2 * SMALL):
            try:
                self.choices_for(side)
            except UsageError as error:
                faults.append(str(error))
        if len(faults) == 2 and len(set(faults)) == 1:  # else the size of the checkpoint decides, when the job runs
            raise UsageError(faults[0])
        if self.minutes is not None and self.steps is not None:
            raise UsageError("give --minutes or --steps, not both")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        super().check_values()

    def how(self, run: TrainingRun) -> dict[str, Any]:
        """What all recipes of this kind are called with, by name."""
        return {**super().how(run), "steps": self.loop_steps, "checkpoint": self.base}

    def retrain(
        self, run: TrainingRun, choices: FineTuning, catalogue: Path, *, artist: str = "", trigger: str = ""
    ) -> Path:
        """Retrains on a catalogue, as `impasto.training.recipes.retraining.retrain`."""
        from impasto.training.recipes.retraining import retrain

        return retrain(catalogue, run.path, choices, artist=artist, trigger=trigger, **self.how(run))
