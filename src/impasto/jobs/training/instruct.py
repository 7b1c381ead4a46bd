"""The job `train/instruct`: trains a checkpoint to follow instructions."""

from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.fine_tuning import WholeCatalogueJob
from impasto.jobs.training.plan import Learns
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.instruct_choices import InstructChoices


class TrainInstructJob(WholeCatalogueJob):
    """Trains a checkpoint to change pictures as it is told (InstructPix2Pix, Brooks et al. 2023).

    Attributes:
        catalogue: pairs of pictures with instructions, such as `impasto data instructions` writes.
        checkpoint: a text-to-image checkpoint, whose U-Net is widened, or one that follows instructions already.
        steps: number of training steps, instead of epochs.
        condition_dropout and the others: see `InstructChoices`.
    """

    kind: ClassVar[str] = "train/instruct"
    learns: ClassVar[Learns] = "instruct"
    uses_conditions: ClassVar[bool] = True

    steps: int | None = None
    condition_dropout: float | None = None
    snr_gamma: float | None = None
    noise_offset: float | None = None
    timestep_bias: float | None = None
    validation_every: int | None = None
    validation_pictures: int | None = None

    @property
    def loop_steps(self) -> int | None:
        """The number of training steps; None if minutes or epochs determine it."""
        return self.steps

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        if self.minutes is not None and self.steps is not None:
            raise UsageError("give --minutes or --steps, not both")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        self.choices()
        super().check_values()

    def choices(self) -> InstructChoices:
        """Returns the recipe's options, overridden by the given fields."""
        given: dict[str, Any] = self.changes(InstructChoices)
        return InstructChoices(**given)

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains the checkpoint and returns its folder."""
        from impasto.training.recipes.instruct import train_instruct

        del choices  # the same options, but typed as the base class
        return train_instruct(
            self.catalogue, run.path, self.choices(), checkpoint=self.checkpoint, steps=self.steps, **self.how(run)
        )
