"""The job `train/classifier`: trains a classifier of noised latents, for guided sampling."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from impasto.errors import UsageError
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files


class ClassifierJob(TimedTrainingJob):
    """Trains a classifier of a checkpoint's latents at every noise level (Dhariwal and Nichol 2021).

    Attributes:
        catalogue: a folder of pictures with metadata.
        label: what it learns: "artist" or "style".
        checkpoint: whose latents it sees; it is not changed.
        steps: number of training steps, instead of minutes.
        fewest: pictures that a label needs; None for 10.
        batch: pictures a step; None for 64.
        learning_rate: AdamW's; None for 3e-4.
        device: auto, cpu, cuda, cuda:1, mps.
    """

    kind: ClassVar[str] = "train/classifier"

    catalogue: Path
    label: Literal["artist", "style"] = "artist"
    checkpoint: str = "pocket"
    minutes: float = 10.0
    steps: int | None = None
    fewest: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    device: str = "auto"

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().check_values()
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        _ = self._choices

    def check_disk(self) -> None:
        """Raises UsageError if the catalogue does not exist."""
        check_files(self.catalogue)

    @property
    def _choices(self) -> Any:
        from impasto.training.methods.guiding.classifier import ClassifierChoices

        given = {name: getattr(self, name) for name in ("fewest", "batch", "learning_rate")}
        return ClassifierChoices(**{name: value for name, value in given.items() if value is not None})

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the classifier's folder."""
        from impasto.training.recipes.classifier import train_classifier

        return train_classifier(
            self.catalogue, run.path, self.label, self._choices, checkpoint=self.checkpoint,
            minutes=None if self.steps is not None else self.minutes, steps=self.steps, seed=self.seed, device=self.device,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
