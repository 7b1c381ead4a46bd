"""The jobs `train/wu2022-text-encoder` and `train/wu2022-joint`: retrain a checkpoint on a catalogue in two stages."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.fine_tuning import RecipeJob
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.fine_tuning_choices import FineTuning


class Wu2022Job(RecipeJob):
    """Base class of both stages (wu2022, section 4).

    Attributes:
        consent: who agreed to the training on works of living artists, for the run's record and the model card.
        trained, fresh_text_encoder, lora_rank, aspect_buckets, works, domain_guidance: see `FineTuning`.
    """

    consent: str = ""
    trained: str | None = None
    fresh_text_encoder: bool | None = None
    lora_rank: int | None = None
    aspect_buckets: bool | None = None
    works: bool | None = None
    domain_guidance: bool | None = None

    @property
    def whose(self) -> str:
        """Returns "": the pictures of all artists are used."""
        return ""

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Retrains and returns the folder of the checkpoint."""
        return self.retrain(run, choices, self.pictures_folder, consent=self.consent)


class Wu2022TextEncoderJob(Wu2022Job):
    """The first stage: trains a checkpoint's text encoder from untrained weights; the U-Net is frozen.

    Attributes:
        catalogue: a folder of pictures with metadata.
        checkpoint: the checkpoint to retrain.
    """

    kind: ClassVar[str] = "train/wu2022-text-encoder"

    catalogue: Path
    checkpoint: str = "pocket"

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
        from impasto.training.recipes.wu2022 import wu2022_text_encoder

        return replace(wu2022_text_encoder(side), **self.changes())


class Wu2022JointJob(Wu2022Job):
    """The second stage: trains text encoder and U-Net together.

    Attributes:
        begin_from: the first stage's run, or another checkpoint.
        catalogue: a folder of pictures with metadata; None for the catalogue of `begin_from`.
    """

    kind: ClassVar[str] = "train/wu2022-joint"

    begin_from: Path
    catalogue: Path | None = None

    @property
    def base(self) -> str:
        """The checkpoint that is trained."""
        return str(self.begin_from)

    @property
    def pictures_folder(self) -> Path:
        """The catalogue, or the one on which the first stage was trained.

        Raises:
            UsageError: the first stage does not record its catalogue.
        """
        return self.catalogue or _catalogue_of(self.begin_from)

    def choices_for(self, side: int | None) -> FineTuning:
        """Returns the options for a checkpoint that paints `side` px."""
        from impasto.training.recipes.wu2022 import wu2022_joint

        return replace(wu2022_joint(side), **self.changes())


def _catalogue_of(run: Path) -> Path:
    """The catalogue on which a run was trained."""
    from impasto.training.runs.record import read_record

    record = read_record(run)
    if record is None or "catalogue" not in record.choices:
        raise UsageError(f"--from {run} does not say which catalogue it was trained on: give --catalogue")
    return Path(record.choices["catalogue"])
