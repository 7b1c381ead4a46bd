"""The job `train/diffusionclip`: fine-tunes a checkpoint from a source text to a target text, into a LoRA."""

from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files

_CHOICES = ("share", "pictures", "batch", "learning_rate", "lora_rank", "direction_weight", "identity_weight")


class DiffusionClipJob(TimedTrainingJob):
    """Fine-tunes a checkpoint so that what is `source` comes out as `target` (DiffusionCLIP, Kim et al. 2022).

    Attributes:
        catalogue: a folder of pictures of what the source text says.
        source, target: two texts: "a painting" and "a charcoal drawing".
        checkpoint: what is fine-tuned; the result is a LoRA for it.
        scorer: whose directional loss it is: None for pocket's, or CLIP's folder.
        steps: number of training steps, instead of minutes.
        share and the others: see `DiffusionClipChoices`; None for the usual.
        device: auto, cpu, cuda, cuda:1, mps.
    """

    kind: ClassVar[str] = "train/diffusionclip"

    catalogue: Path
    source: str
    target: str
    checkpoint: str = "pocket"
    scorer: str | None = None
    minutes: float = 10.0
    steps: int | None = None
    share: float | None = None
    pictures: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    lora_rank: int | None = None
    direction_weight: float | None = None
    identity_weight: float | None = None
    device: str = "auto"

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().check_values()
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"steps {self.steps}: use 1 or more")
        if not self.source.strip() or not self.target.strip() or self.source.strip() == self.target.strip():
            raise UsageError("--source and --target: give two different texts, such as 'a painting' and 'a drawing'")
        _ = self._choices

    def check_disk(self) -> None:
        """Raises UsageError, MissingPart or ImpastoError if the catalogue or the scorer does not exist."""
        from impasto.vision.scorers.interface import check_scorer

        check_files(self.catalogue)
        check_scorer(self.scorer)

    @property
    def _choices(self) -> Any:
        from impasto.training.methods.guiding.diffusionclip import DiffusionClipChoices

        given = {name: getattr(self, name) for name in _CHOICES}
        return DiffusionClipChoices(**{name: value for name, value in given.items() if value is not None})

    def train(self, run: TrainingRun) -> Path:
        """Fine-tunes and returns the LoRA's folder."""
        from impasto.training.recipes.diffusionclip import train_diffusionclip

        return train_diffusionclip(
            self.catalogue, run.path, self.source, self.target, self._choices, checkpoint=self.checkpoint,
            scorer=self.scorer, minutes=None if self.steps is not None else self.minutes, steps=self.steps, seed=self.seed,
            device=self.device, should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
