"""Base classes of the jobs that train a checkpoint on pictures: overridden recipe options, estimate and dry run."""

from abc import abstractmethod
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from impasto.checkpoints.size import SMALL
from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.training.plan import Learns, estimate_to_json, estimate_training
from impasto.jobs.training.run import TrainingJob, TrainingRun, check_files, check_numbers
from impasto.training.distributed.launch import process_number
from impasto.training.methods.fine_tuning_choices import FineTuning

if TYPE_CHECKING:
    from impasto.data.catalogue.read import Catalogue


class FineTuningJob(TrainingJob):
    """Trains a checkpoint on pictures. None means the recipe's own value.

    Attributes:
        minutes: duration of the training, instead of epochs.
        dry_run: returns the `Estimate` and trains nothing.
        epochs and the others: see `FineTuning`.
    """

    together: ClassVar[bool] = True
    learns: ClassVar[Learns] = "weights"
    uses_conditions: ClassVar[bool] = False  # the condition pictures that the metadata names

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
    text_padding: str | None = None
    gradient_checkpointing: bool | None = None
    size: int | None = None
    keep_states: int | None = None

    def changes(self, kind: type[FineTuning] = FineTuning) -> dict[str, Any]:
        """Returns the names and values of the options of `kind` that are given."""
        own = type(self).model_fields
        given = {choice.name: getattr(self, choice.name) for choice in fields(kind) if choice.name in own}
        return {name: value for name, value in given.items() if value is not None}

    @property
    @abstractmethod
    def base(self) -> str:
        """The checkpoint that is trained."""

    @property
    @abstractmethod
    def pictures_folder(self) -> Path:
        """The folder of pictures, which must exist."""

    @property
    def whose(self) -> str | None:
        """The artist whose pictures are used, without held-out ones; "" for all artists; None for all pictures."""
        return None

    @property
    @abstractmethod
    def loop_steps(self) -> int | None:
        """The number of training steps; None if minutes or epochs determine it."""

    @abstractmethod
    def choices(self) -> FineTuning:
        """Returns the recipe's options for the checkpoint, overridden by the given fields.

        Raises:
            UsageError, MissingPart, ImpastoError: the options do not fit together; there is no such checkpoint.
        """

    @abstractmethod
    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains in the run's folder and returns the folder with the result.

        Raises:
            UsageError, MissingPart, ImpastoError, KeyboardInterrupt: the same as the recipe.
        """

    def how(self, run: TrainingRun) -> dict[str, Any]:
        """Returns the keyword arguments that all recipes share."""
        return {
            "minutes": self.minutes,
            "seed": self.seed,
            "should_stop": run.should_stop,
            "on_progress": run.on_progress,
        }

    def check_values(self) -> None:
        """Raises UsageError if minutes or seed are invalid."""
        check_numbers(1.0 if self.minutes is None else self.minutes, self.seed)

    def run(self, context: Context) -> Any:
        """Trains or resumes and returns `Trained`; a dry run returns the `Estimate`.

        It reports the `Figures` `choices` and `given`, then `estimate`, and at the end `run` and `made`.

        Raises:
            UsageError, MissingPart, ImpastoError: a part does not exist, or options do not fit together; the recipe failed.
            StoppedError: the training was stopped; the same job resumes it.
        """
        from impasto.training.recipes.precision import settled

        choices = settled(self.choices())
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
            if process_number() == 0:
                self._tell_pictures(run.path, context)
            return self.train(run, choices)

        if not self.dry_run:
            return self.train_in_folder(context, train)
        self._noted(context)
        return tell_plan()

    def _tell_pictures(self, run: Path, context: Context) -> None:
        """Notes what was read of the pictures' folder and what changed there since the last start, and keeps a list."""
        from impasto.jobs.training.pictures import changes_since, keep_pictures, seen_pictures

        now = seen_pictures(self._noted(context), self.whose)
        changed = changes_since(run, now)
        if changed:
            context.note(f"{changed}; it goes on with those that are there now, and its losses will differ")
        keep_pictures(run, now)

    def _noted(self, context: Context) -> "Catalogue":
        from impasto.jobs.training.pictures import note_folder

        return note_folder(self.pictures_folder, context, conditions=self.uses_conditions)

    def tell_complete(self, run: Path, context: Context) -> None:
        """Notes that the run is complete, and whether its pictures have changed since."""
        super().tell_complete(run, context)
        from impasto.jobs.training.pictures import changes_since, seen_pictures

        changed = changes_since(run, seen_pictures(self._noted(Context()), self.whose))
        if changed:
            context.note(f"{changed}; to train on them, give another --run")


class WholeCatalogueJob(FineTuningJob):
    """Trains something for a checkpoint on the pictures of all artists of a catalogue.

    Attributes:
        catalogue: a folder of pictures with metadata.
        checkpoint: the checkpoint, which is not changed.
    """

    catalogue: Path
    checkpoint: str = "pocket"

    @property
    def base(self) -> str:
        """The checkpoint."""
        return self.checkpoint

    @property
    def pictures_folder(self) -> Path:
        """The catalogue."""
        return self.catalogue

    @property
    def whose(self) -> str:
        """Returns "": the pictures of all artists are used."""
        return ""


class RecipeJob(FineTuningJob):
    """A training whose recipe depends on the size of the checkpoint's pictures.

    Attributes:
        steps: number of training steps, instead of epochs.
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
        """The number of training steps; None if minutes or epochs determine it."""
        return self.steps

    @abstractmethod
    def choices_for(self, side: int | None) -> FineTuning:
        """Returns the options for a checkpoint that paints `side` px.

        Raises:
            UsageError: the options do not fit together.
        """

    def choices(self) -> FineTuning:
        """Returns the options for the checkpoint.

        Raises:
            UsageError, MissingPart, ImpastoError: the options do not fit together; there is no such checkpoint.
        """
        return self.choices_for(self.side())

    def side(self) -> int | None:
        """Returns the pixels of a side of the checkpoint's pictures.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such checkpoint.
        """
        from impasto.checkpoints.listing import inspect_checkpoint

        return inspect_checkpoint(self.base).default_size

    def check_values(self) -> None:
        """Raises UsageError if an option is invalid for every checkpoint, or a number is invalid."""
        faults: list[str] = []
        for side in (SMALL, 2 * SMALL):
            try:
                self.choices_for(side)
            except UsageError as error:
                faults.append(str(error))
        if len(faults) == 2 and len(set(faults)) == 1:  # otherwise it depends on the checkpoint, when the job runs
            raise UsageError(faults[0])
        if self.minutes is not None and self.steps is not None:
            raise UsageError("give --minutes or --steps, not both")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        super().check_values()

    def how(self, run: TrainingRun) -> dict[str, Any]:
        """Returns the keyword arguments that all recipes of this kind share."""
        return {**super().how(run), "steps": self.loop_steps, "checkpoint": self.base}

    def retrain(
        self,
        run: TrainingRun,
        choices: FineTuning,
        catalogue: Path,
        *,
        artist: str = "",
        trigger: str = "",
        consent: str = "",
    ) -> Path:
        """Retrains on a catalogue with `impasto.training.recipes.retraining.retrain`."""
        from impasto.training.recipes.retraining import retrain

        return retrain(catalogue, run.path, choices, artist=artist, trigger=trigger, consent=consent, **self.how(run))
