"""The job `copy-index`: training pictures as one file that tells copies of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue
from impasto.jobs.judging.training_pictures import USUAL_FEATURES, Training
from impasto.jobs.painting.output import check_writable

if TYPE_CHECKING:
    from impasto.evaluation.memorization.calibration import Threshold


@dataclass(frozen=True)
class WrittenCopyIndex:
    """An index that was written.

    Attributes:
        bytes: the file's size.
        training_pictures: how many it holds.
        identity: the index's name for itself; the same pictures and features have the same.
        threshold: the similarity from which on a painting is a copy.
    """

    file: Path
    bytes: int
    training_pictures: int
    identity: str
    features: str
    threshold: "Threshold"


class CopyIndexJob(Job):
    """Writes what it takes to tell copies of a catalogue's pictures without the pictures.

    Attributes:
        file: the index to write; its name ends in .safetensors.
        copy_features: "efficientnet-lite2", or SSCD's weights as FILE or FILE:SHA256.
        overwrite: `file` may be there already.
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
        """Looks at the pictures (what was seen before is kept) and writes the index.

        Raises:
            UsageError: there is no such folder, the file is there already, or there are no such features.
            MissingPart, ImpastoError: the catalogue or the features cannot be used, or the file cannot be written.
            StoppedError: it was stopped.
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
