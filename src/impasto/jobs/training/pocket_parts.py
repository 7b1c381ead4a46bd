"""The jobs `train/pocket-autoencoder` and so on: each trains one part of what ships with Impasto."""

from pathlib import Path
from typing import ClassVar

from impasto.jobs.training.run import TimedTrainingJob, TrainingRun, check_files


class PocketPartJob(TimedTrainingJob):
    """A part that is trained on a catalogue.

    Attributes:
        catalogue: a folder of pictures with metadata, or artist/picture.jpg.
    """

    catalogue: Path
    minutes: float = 60.0

    def check_disk(self) -> None:
        """Raises UsageError where the catalogue is not there."""
        check_files(self.catalogue)


class PocketWordsJob(PocketPartJob):
    """A part that also learns words.

    Attributes:
        records: a museum's works, JSONL (.gz) of title and subjects: tags are learned from it.
    """

    records: Path

    def check_disk(self) -> None:
        """Raises UsageError where catalogue or records are not there."""
        check_files(self.catalogue, self.records)


class PocketAutoencoderJob(PocketPartJob):
    """Pocket's autoencoder.

    Attributes:
        size: pixels of a side.
    """

    kind: ClassVar[str] = "train/pocket-autoencoder"

    size: int = 128

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the autoencoder's folder."""
        from impasto.training.recipes.pocket import train_autoencoder

        return train_autoencoder(
            self.catalogue, run.path, self.minutes, size=self.size, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketDecoderJob(PocketPartJob):
    """A finished autoencoder's decoder, trained further; denoisers trained on it stay valid.

    Attributes:
        autoencoder: the folder that `PocketAutoencoderJob` wrote.
        size: pixels of a side.
    """

    kind: ClassVar[str] = "train/pocket-decoder"

    autoencoder: Path
    size: int = 128

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the autoencoder's folder."""
        from impasto.training.recipes.pocket import train_decoder

        return train_decoder(
            self.catalogue, self.autoencoder, run.path, self.minutes, size=self.size, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketDenoiserJob(PocketPartJob):
    """Pocket's denoiser, and the checkpoint put together.

    Attributes:
        autoencoder: the folder that `PocketAutoencoderJob` wrote.
        size: pixels of a side.
        begin_from: a checkpoint's folder, whose U-Net of the same shape is where training begins.
        align: whether it learns from a classifier's features too; far fewer steps are needed.
    """

    kind: ClassVar[str] = "train/pocket-denoiser"

    autoencoder: Path
    minutes: float = 180.0
    size: int = 128
    begin_from: Path | None = None
    align: bool = True

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the checkpoint's folder."""
        from impasto.training.recipes.pocket_denoiser import train_denoiser

        return train_denoiser(
            self.catalogue, self.autoencoder, run.path, self.minutes, size=self.size, begin_from=self.begin_from,
            aligned=self.align, seed=self.seed, should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketScorerJob(PocketWordsJob):
    """What compares pictures with words, for tagging, filtering and searching."""

    kind: ClassVar[str] = "train/pocket-scorer"

    minutes: float = 10.0

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the scorer's folder."""
        from impasto.training.recipes.pocket_scorer import train_pocket_scorer

        return train_pocket_scorer(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketTaggerJob(PocketWordsJob):
    """What says which tags apply to a picture."""

    kind: ClassVar[str] = "train/pocket-tagger"

    minutes: float = 2.0

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the tagger's folder."""
        from impasto.training.recipes.pocket_tagger import train_pocket_tagger

        return train_pocket_tagger(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketCaptionerJob(PocketWordsJob):
    """What says in words what a picture shows."""

    kind: ClassVar[str] = "train/pocket-captioner"

    minutes: float = 30.0

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the captioner's folder."""
        from impasto.training.recipes.pocket_captioner import train_pocket_captioner

        return train_pocket_captioner(
            self.catalogue, self.records, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip


class PocketUpscalerJob(PocketPartJob):
    """What makes pictures twice as wide and high."""

    kind: ClassVar[str] = "train/pocket-upscaler"

    minutes: float = 15.0

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the upscaler's folder."""
        from impasto.training.recipes.pocket_upscaler import train_pocket_upscaler

        return train_pocket_upscaler(
            self.catalogue, run.path, self.minutes, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
