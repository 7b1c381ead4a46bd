"""The job `memorization`: tests whether paintings are copies of training pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.disk import check_writable
from impasto.jobs.judging.training_pictures import USUAL_FEATURES, Training, say_skipped

if TYPE_CHECKING:
    from impasto.evaluation.memorization.search import MemorizationReport


class MemorizationJob(Job):
    """Compares paintings with the training pictures that are most similar to them.

    Attributes:
        paintings: a folder of pictures, or one picture.
        training: a catalogue, or an index written by `impasto data copy-index`.
        out: an .html page of the pairs; None writes no page.
        overwrite: whether `out` may be replaced.
        features: see `load_copy_features`.
        false_alarms: the share of held-out real works that may be classified as copies; None for 0.005.
    """

    kind: ClassVar[str] = "memorization"

    paintings: Path
    training: Path
    out: Path | None = None
    overwrite: bool = False
    features: str = USUAL_FEATURES
    false_alarms: float | None = None

    def run(self, context: Context) -> "MemorizationReport":
        """Compares the pictures and writes the page.

        Raises:
            UsageError: a value cannot be used, or there is nothing to compare.
            ImpastoError: none of the pictures can be read, or the page cannot be written.
            StoppedError: the job was stopped; computed features are kept.
        """
        if self.out is not None:
            _check_page(self.out, self.overwrite)
        from impasto.data.catalogue.entry import CatalogueReport
        from impasto.evaluation.memorization.calibration import USUAL_FALSE_ALARMS, Calibration
        from impasto.evaluation.memorization.page import copies_page
        from impasto.evaluation.memorization.search import compare_paintings, paintings_in
        from impasto.files import write_atomically

        # These are checked first, before thousands of training pictures are processed.
        share = USUAL_FALSE_ALARMS if self.false_alarms is None else self.false_alarms
        Calibration().threshold(share)
        paintings_in(self.paintings)
        loaded = Training.load(self.training, self.features, context)
        threshold = loaded.index.calibration.threshold(share)
        try:
            report = compare_paintings(
                self.paintings,
                loaded.index,
                loaded.features,
                threshold,
                training=self.training,
                on_progress=lambda what, done, of: context.progress(f"{what}: {done} of {of}", done / of),
            )
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
        if self.out is not None:
            try:
                write_atomically(self.out, copies_page(report))
            except OSError as error:
                raise ImpastoError(f"{self.out} cannot be written: {error.strerror}") from None
        say_skipped(CatalogueReport(report.skipped), context)
        return report


def _check_page(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: the page's name must end in .html")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already: choose another name, or add --overwrite")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    check_writable(out.parent)
