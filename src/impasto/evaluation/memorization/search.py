"""Searches paintings for copies of training pictures: finds the most similar training picture of each painting."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.data.catalogue.endings import PICTURE_SUFFIXES
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.memorization.calibration import Calibration, Threshold
from impasto.evaluation.memorization.index import CopyIndex, Match, OnProgress, see
from impasto.evaluation.memorization.structure import StructureEncoder
from impasto.vision.scorers.interface import ImageEncoder


@dataclass(frozen=True)
class Pair:
    """A painting and its most similar training picture; `copy` is true if the similarity reaches the threshold."""

    painting: CatalogueEntry
    match: Match
    copy: bool


@dataclass(frozen=True)
class MemorizationReport:
    """All paintings with their nearest training pictures.

    Attributes:
        paintings, training: the compared paintings and training pictures, as the user named them.
        pairs: the pairs, most similar first.
        threshold: the similarity from which a pair counts as a copy.
        calibration: the calibration from which the threshold was computed.
        training_pictures: the number of training pictures.
        features: the extractor that selected the candidates.
        index: `CopyIndex.identity`.
        skipped: paintings that could not be read, and why.
    """

    paintings: Path
    training: Path
    pairs: list[Pair]
    threshold: Threshold
    calibration: Calibration
    training_pictures: int
    features: str
    index: str
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def copies(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.copy]


def paintings_in(place: Path) -> list[CatalogueEntry]:
    """Lists the pictures of a folder and its subfolders, sorted by name, or the single picture at `place`.

    Other files are ignored.

    Raises:
        UsageError: there is nothing at `place`, or no picture in it.
    """
    if place.is_file():
        return [CatalogueEntry(place, place.name)]
    if not place.is_dir():
        raise UsageError(f"{place}: there is no such folder")
    names = sorted(path.relative_to(place) for path in place.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    visible = [name for name in names if not any(part.startswith(".") for part in name.parts) and (place / name).is_file()]
    if not visible:
        raise UsageError(f"{place} holds no picture: name a folder of paintings")
    return [CatalogueEntry(place / name, name.as_posix()) for name in visible]


def compare_paintings(
    place: Path,
    index: CopyIndex,
    features: ImageEncoder,
    threshold: Threshold,
    *,
    training: Path,
    on_progress: OnProgress | None = None,
) -> MemorizationReport:
    """Compares the paintings at `place` with the training pictures of `index`, which came from `training`.

    Raises:
        UsageError: no picture at `place`, or `features` are not those of the index.
        ImpastoError: none of the pictures can be read, or the cache cannot be written.
    """
    check_features(index, features)
    entries, report = paintings_in(place), CatalogueReport()
    seen = see(entries, features, report, on_progress)
    readable: Sequence[int] = seen.whole.tolist()
    if not readable:
        raise ImpastoError(f"{place} holds no picture that can be read (the first, {entries[0].file_name}: "
                           f"{report.skipped[0].reason})")  # fmt: skip
    pairs = []
    for number, n in enumerate(readable, 1):
        match = index.nearest(seen.features[n], seen.edges[n])
        pairs.append(Pair(entries[n], match, match.similarity >= threshold.value))
        if on_progress is not None:
            on_progress("paintings", number, len(readable))
    pairs.sort(key=lambda pair: (-pair.match.similarity, pair.painting.file_name))
    return MemorizationReport(
        paintings=place,
        training=training,
        pairs=pairs,
        threshold=threshold,
        calibration=index.calibration,
        training_pictures=len(index.pictures),
        features=index.features_name,
        index=index.identity,
        skipped=report.skipped,
    )


def nearest_training_picture(image: Image.Image, index: CopyIndex, features: ImageEncoder) -> Match:
    """Finds the nearest training picture of one picture in memory, in the same way as `compare_paintings`."""
    (seen,), (edges,) = features.embed_images([image]), StructureEncoder().embed_images([image])
    return index.nearest(np.asarray(seen), np.asarray(edges))


def check_features(index: CopyIndex, features: ImageEncoder) -> None:
    """Raises UsageError if the index was made with a different feature extractor."""
    if index.features_identity != features.identity:
        raise UsageError(
            f"the index was made with features of {index.features_name} ({index.features_identity[:12]}), not of "
            f"{features.name} ({features.identity[:12]}): choose the same with --copy-features"
        )
