"""The job `train/wang2023-artist`: retrains a checkpoint on one artist's works (wang2023, section 4.2)."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.fine_tuning import RecipeJob
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.fine_tuning_choices import FineTuning


class ArtistRecipeJob(RecipeJob):
    """Base class for the recipe of wang2023 on a catalogue; with `lora_rank`, it trains a LoRA.

    Attributes:
        catalogue: a folder of pictures with metadata.
        checkpoint: the checkpoint to retrain, as `PaintJob` takes it.
        consent: who agreed to the training on works of living artists, for the run's record and the model card.
        trained, fresh_text_encoder, lora_rank, aspect_buckets, works, domain_guidance: see `FineTuning`.
    """

    catalogue: Path
    checkpoint: str = "pocket"
    consent: str = ""
    trained: str | None = None
    fresh_text_encoder: bool | None = None
    lora_rank: int | None = None
    aspect_buckets: bool | None = None
    works: bool | None = None
    domain_guidance: bool | None = None

    @property
    def base(self) -> str:
        """The checkpoint that is trained."""
        return self.checkpoint

    @property
    def pictures_folder(self) -> Path:
        """The catalogue."""
        return self.catalogue

    def choices_for(self, side: int | None) -> FineTuning:
        """Returns the options for a checkpoint that paints `side` px."""
        from impasto.training.recipes.wang2023 import wang2023_artist

        return replace(wang2023_artist(side), **self.changes())

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Retrains on the works of `whose` and returns the folder of the checkpoint, or of the LoRA."""
        return self.retrain(run, choices, self.catalogue, artist=self.whose or "", consent=self.consent)


class RetrainJob(ArtistRecipeJob):
    """Retrains a checkpoint on the works of one artist; with `lora_rank`, trains a LoRA for it.

    Attributes:
        artist: the artist's name in the catalogue, or a part of it.
    """

    kind: ClassVar[str] = "train/wang2023-artist"

    artist: str

    @property
    def whose(self) -> str:
        """The artist."""
        return self.artist

    def check_values(self) -> None:
        """Raises UsageError if no artist is named or a value is invalid."""
        if not self.artist.strip():
            raise UsageError("--artist is empty: name one")
        super().check_values()
