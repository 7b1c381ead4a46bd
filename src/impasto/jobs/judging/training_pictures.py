"""Loads the training pictures for detecting copies, from a catalogue or from a copy index."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import StoppedError, UsageError
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.data.catalogue.entry import CatalogueReport
    from impasto.evaluation.memorization.index import CopyIndex
    from impasto.vision.scorers.interface import ImageEncoder

USUAL_FEATURES = "efficientnet-lite2"
_NOTES = 5


@dataclass(frozen=True)
class Training:
    """The index of training pictures and its feature extractor."""

    index: "CopyIndex"
    features: "ImageEncoder"

    @classmethod
    def load(cls, place: Path, features: str, context: Context) -> "Training":
        """Loads a copy index, or indexes the catalogue `place`, reusing cached features.

        Raises:
            UsageError: `place` does not exist, the features are unknown, or the index was made with other features.
            ImpastoError: the catalogue or the index cannot be used.
            StoppedError: the job was stopped.
        """
        if not place.exists():
            raise UsageError(f"{place}: there is no such catalogue or copy index")
        from impasto.data.catalogue.entry import CatalogueReport
        from impasto.evaluation.memorization.features import load_copy_features
        from impasto.evaluation.memorization.index_file import load_copy_index
        from impasto.evaluation.memorization.search import check_features
        from impasto.evaluation.memorization.training_pictures import index_catalogue

        encoder = load_copy_features(features)
        if place.is_file():
            index = load_copy_index(place)
            check_features(index, encoder)
            return cls(index, encoder)
        report = CatalogueReport()
        try:
            context.progress("looking at training pictures", 0.0)
            index = index_catalogue(
                place,
                encoder,
                report=report,
                on_progress=lambda what, done, of: context.progress(f"{what}: {done} of {of}", done / of),
            )
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
        say_skipped(report, context)
        return cls(index, encoder)


def say_skipped(report: "CatalogueReport", context: Context) -> None:
    """Notes the first pictures of a catalogue that are not used, and their number."""
    for skipped in report.skipped[:_NOTES]:
        context.note(f"{skipped.file_name}: {skipped.reason}")
    if report.left_out > _NOTES:
        context.note(f"{report.left_out} pictures are not used in all")
