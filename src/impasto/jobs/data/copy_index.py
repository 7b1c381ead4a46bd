"""The job `copy-index`: writes an index file of training pictures for detecting copies."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue
from impasto.jobs.disk import check_writable
from impasto.jobs.judging.training_pictures import USUAL_FEATURES, Training

if TYPE_CHECKING:
    from impasto.evaluation.memorization.calibration import Threshold


@dataclass(frozen=True)
class WrittenCopyIndex:
    """A written index.

    Attributes:
        file: the file.
        bytes: the file's size.
        training_pictures: number of pictures in the index.
        identity: the hash of the index; the same pictures and features give the same hash.
        features: the name of the feature extractor.
        threshold: the similarity from which a painting counts as a copy.
    """

    file: Path
    bytes: int
    training_pictures: int
    identity: str
    features: str
    threshold: "Threshold"


class CopyIndexJob(Job):
    """Writes an index with which copies of a catalogue's pictures can be detected without the pictures.

    Attributes:
        catalogue: the catalogue's folder.
        file: the index to write; its name ends in .safetensors.
        copy_features: "efficientnet-lite2", or SSCD's weights as FILE or FILE:SHA256.
        overwrite: whether `file` may be replaced.
    """

    kind: ClassVar[str] = "copy-index"

    catalogue: Path
    file: Path
    copy_features: str = USUAL_FEATURES
    overwrite: bool = False

    @model_validator(mode="after")
    def _check(self) -> "CopyIndexJob":
        if self.file.suffix.lower() != ".safetensors":
            raise UsageError(f"{self.file}: a copy index's name ends in .safetensors")
        return self

    def run(self, context: Context) -> WrittenCopyIndex:
        """Computes the features of the pictures (cached ones are reused) and writes the index.

        Raises:
            UsageError: there is no such folder, the file already exists, or there are no such features.
            MissingPart, ImpastoError: the catalogue or the features cannot be used, or the file cannot be written.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        if self.file.exists() and not self.overwrite:
            raise UsageError(f"{self.file} is there already: choose another name, or add --overwrite")
        check_writable(self.file.parent)
        from impasto.evaluation.memorization.index_file import save_copy_index

        index = Training.load(self.catalogue, self.copy_features, context).index
        self.file.parent.mkdir(parents=True, exist_ok=True)
        save_copy_index(index, self.file)
        return WrittenCopyIndex(
            self.file, self.file.stat().st_size, len(index.pictures), index.identity, index.features_name,
            index.calibration.threshold(),
        )  # fmt: skip
