"""The jobs `train/pocket-autoencoder` etc.: each trains one of the models that ship with Impasto."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files


class PocketPartJob(TimedTrainingJob):
    """Base class of the jobs that train a part on a catalogue.

    Attributes:
        catalogue: a folder of pictures with metadata, or artist/picture.jpg.
    """

    catalogue: Path
    minutes: float = 60.0

    def check_disk(self) -> None:
        """Raises UsageError if the catalogue does not exist."""
        check_files(self.catalogue)


class PocketWordsJob(PocketPartJob):
    """Base class of the jobs that train a part which also learns words.

    Attributes:
        records: a museum's works, JSONL (.gz) of title and subjects; the tags are learned from it.
    """

    records: Path

    def check_disk(self) -> None:
        """Raises UsageError if the catalogue or the records do not exist."""
        check_files(self.catalogue, self.records)


class PocketAutoencoderJob(PocketPartJob):
    """Trains pocket's autoencoder, or another of its shape.

    Attributes:
        size: pixels of a side.
        regularisation: of the latents: "kl" (pocket's), or "vq", a codebook's codes; no denoiser is trained on "vq".
        codebook: number of codes for "vq", 2 to 65,536; None for 1,024.
        attention: self-attention at the lowest resolution, as in the papers' autoencoder.
    """

    kind: ClassVar[str] = "train/pocket-autoencoder"

    size: int = 128
    regularisation: Literal["kl", "vq"] = "kl"
    codebook: int | None = None
    attention: bool = False

    @model_validator(mode="after")
    def _check_codebook(self) -> "PocketAutoencoderJob":
        if self.codebook is not None and self.regularisation != "vq":
            raise UsageError("--codebook is for --regularisation vq")
        if self.codebook is not None and not 2 <= self.codebook <= 65_536:
            raise UsageError(f"--codebook {self.codebook}: use 2 to 65536 codes")
        return self

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the autoencoder's folder."""
        from impasto.training.methods.autoencoder import AutoencoderChoices
        from impasto.training.recipes.pocket import train_autoencoder

        choices = AutoencoderChoices(
            regularisation=self.regularisation, codebook=self.codebook or 1024, attention=self.attention
        )

        return train_autoencoder(
            self.catalogue, run.path, self.minutes, size=self.size, seed=self.seed, choices=choices,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketDecoderJob(PocketPartJob):
    """Trains the decoder of a finished autoencoder further; denoisers that use this autoencoder stay valid.

    Attributes:
        autoencoder: the folder written by `PocketAutoencoderJob`.
        size: pixels of a side.
    """

    kind: ClassVar[str] = "train/pocket-decoder"

    autoencoder: Path
    size: int = 128

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the autoencoder's folder."""
        from impasto.training.recipes.pocket import train_decoder

        return train_decoder(
            self.catalogue, self.autoencoder, run.path, self.minutes, size=self.size, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketDenoiserJob(PocketPartJob):
    """Trains pocket's denoiser and assembles the checkpoint.

    Attributes:
        autoencoder: the folder written by `PocketAutoencoderJob`.
        size: pixels of a side.
        begin_from: a checkpoint's folder; training starts from its U-Net, which must have the same shape.
        align: whether to learn from a classifier's features, too; this needs far fewer steps.
    """

    kind: ClassVar[str] = "train/pocket-denoiser"

    autoencoder: Path
    minutes: float = 180.0
    size: int = 128
    begin_from: Path | None = None
    align: bool = True

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the checkpoint's folder."""
        from impasto.training.recipes.pocket_denoiser import train_denoiser

        return train_denoiser(
            self.catalogue, self.autoencoder, run.path, self.minutes, size=self.size, begin_from=self.begin_from,
            aligned=self.align, seed=self.seed, should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketScorerJob(PocketWordsJob):
    """Trains the scorer, which compares pictures with words, for tagging, filtering and searching."""

    kind: ClassVar[str] = "train/pocket-scorer"

    minutes: float = 10.0

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the scorer's folder."""
        from impasto.training.recipes.pocket_scorer import train_pocket_scorer

        return train_pocket_scorer(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketTaggerJob(PocketWordsJob):
    """Trains the tagger, which predicts the tags of a picture."""

    kind: ClassVar[str] = "train/pocket-tagger"

    minutes: float = 2.0

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the tagger's folder."""
        from impasto.training.recipes.pocket_tagger import train_pocket_tagger

        return train_pocket_tagger(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketCaptionerJob(PocketWordsJob):
    """Trains the captioner, which describes a picture in words."""

    kind: ClassVar[str] = "train/pocket-captioner"

    minutes: float = 30.0

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the captioner's folder."""
        from impasto.training.recipes.pocket_captioner import train_pocket_captioner

        return train_pocket_captioner(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketUpscalerJob(PocketPartJob):
    """Trains the upscaler, which doubles the width and height of pictures."""

    kind: ClassVar[str] = "train/pocket-upscaler"

    minutes: float = 15.0

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the upscaler's folder."""
        from impasto.training.recipes.pocket_upscaler import train_pocket_upscaler

        return train_pocket_upscaler(
            self.catalogue, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
