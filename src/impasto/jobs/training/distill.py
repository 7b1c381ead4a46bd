"""The job `train/distill`: distils a checkpoint to a few-step student, as a LoRA."""

from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.fine_tuning import WholeCatalogueJob
from impasto.jobs.training.plan import Learns
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.distillation_choices import Distillation, check_steps
from impasto.training.methods.fine_tuning_choices import FineTuning


class DistillJob(WholeCatalogueJob):
    """Trains a LoRA that paints in a few steps what a checkpoint paints in many (latent consistency, Luo et al. 2023).

    Attributes:
        checkpoint: the teacher.
        steps: number of sampling steps of the student, 1 to 50.
        updates: number of optimizer steps, instead of epochs.
        lora_rank, layers and the others: see `Distillation`.
    """

    kind: ClassVar[str] = "train/distill"
    learns: ClassVar[Learns] = "student"

    steps: int = 4
    updates: int | None = None
    fresh_text_encoder: bool | None = None
    aspect_buckets: bool | None = None
    works: bool | None = None
    lora_rank: int | None = None
    layers: str | None = None
    guidance: float | None = None
    leap: int | None = None
    teacher_steps: int | None = None
    huber: float | None = None

    @property
    def loop_steps(self) -> int | None:
        """The number of optimizer updates; the student's `steps` are sampling steps."""
        return self.updates

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        if self.minutes is not None and self.updates is not None:
            raise UsageError("give --minutes or --updates, not both")
        check_steps(self.steps)
        self.choices()
        if self.updates is not None and self.updates < 1:
            raise UsageError(f"updates {self.updates}: use 1 or more")
        super().check_values()

    def choices(self) -> Distillation:
        """Returns the recipe's options, overridden by the given fields."""
        given: dict[str, Any] = self.changes(Distillation)
        return Distillation(**given)

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Distils the checkpoint and returns the LoRA's folder."""
        from impasto.training.recipes.distill import distill

        del choices  # the same options, but typed as the base class
        return distill(
            self.catalogue, run.path, self.choices(), checkpoint=self.checkpoint, steps=self.steps, updates=self.updates,
            **self.how(run),
        )  # fmt: skip
