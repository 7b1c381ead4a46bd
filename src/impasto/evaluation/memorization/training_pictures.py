"""Builds the copy index of a catalogue's training pictures and calibrates it on the held-out works."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import numpy as np

from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.index import ComparedPictures, CopyIndex, OnProgress, see
from impasto.evaluation.memorization.picture_names import PictureNames, TrainingPicture
from impasto.settings import cache_folder
from impasto.vision.scorers.interface import ImageEncoder

MOST_CALIBRATED = 1000  # maximal number of held-out works: each takes a tenth of a second
_CHUNK = 20  # number of works whose similarities are written to disk together


def index_catalogue(
    folder: Path,
    features: ImageEncoder,
    *,
    report: CatalogueReport | None = None,
    on_progress: OnProgress | None = None,
) -> CopyIndex:
    """Builds the index of a catalogue's training pictures: all pictures that are not held out of training (`data.split`).

    The encoded pictures and the similarities of the held-out works are kept in the user's cache. Pictures that cannot be
    read are listed in `report`.

    Raises:
        ImpastoError: there is no such folder, no readable picture or no training picture, or the cache cannot be written.
    """
    report = CatalogueReport() if report is None else report
    parts = _TrainingParts(folder, features, report, on_progress)
    works, held, size = 0, 0, 0
    for entries, _ in parts:
        inside = [entry for entry in entries if not is_held_out(entry.file_name)]
        works, held = works + len(inside), held + len(entries) - len(inside)
        size += sum(len(_named(entry).line()) for entry in inside)
    if not works + held:
        raise ImpastoError(f"{folder} holds no picture that can be read (the first, {_first(report)})")
    if not works:
        raise ImpastoError(f"{folder} holds no training picture: all {held} are held out; add more")
    names = (_named(entry) for entries, _ in parts for entry in entries if not is_held_out(entry.file_name))
    index = CopyIndex.of_parts(PictureNames.of(names, works, size), parts.training, features)
    if held:
        # Spread evenly over the catalogue, which is often sorted by artist.
        chosen = {int(n) for n in np.linspace(0, held - 1, min(held, MOST_CALIBRATED))}
        entries, seen = parts.held_out(chosen)
        index.calibration = _calibrated(index, entries, seen, on_progress)
    return index


class _TrainingParts:
    """The readable pictures of a catalogue with their features and edges, part by part; a folder's are kept."""

    def __init__(
        self, folder: Path, features: ImageEncoder, report: CatalogueReport, on_progress: OnProgress | None
    ) -> None:
        self._folder, self._features, self._report, self._on_progress = folder, features, report, on_progress
        self._whole: tuple[list[CatalogueEntry], ComparedPictures] | None = None
        self._told = False

    def __iter__(self) -> Iterator[tuple[list[CatalogueEntry], ComparedPictures]]:
        if self._whole is not None:
            yield self._whole
            return
        told = CatalogueReport() if self._told else self._report
        for part in catalogue_parts(self._folder, check_images=False):
            told.add(CatalogueReport(skipped=part.report.skipped, more=part.report.more))

            def tell(what: str, done: int, of: int, part: Catalogue = part) -> None:
                if self._on_progress is not None:
                    self._on_progress(what, *part.progress(done, of))

            unread = CatalogueReport()
            seen = see(part.entries, self._features, unread, tell)
            told.add(unread)
            readable = seen.whole.tolist()
            found = [part.entries[place] for place in readable], seen.at(readable)
            if part.home == part.folder:
                self._whole = found
            yield found
        self._told = True

    def training(self) -> Iterator[ComparedPictures]:
        """Yields the parts without the pictures that are held out of training."""
        for entries, seen in self:
            yield seen.at([n for n, entry in enumerate(entries) if not is_held_out(entry.file_name)])

    def held_out(self, chosen: Container[int]) -> tuple[list[CatalogueEntry], ComparedPictures]:
        """Returns the held-out pictures with these numbers among the held-out."""
        works: list[CatalogueEntry] = []
        features, edges = [], []
        number = 0
        for entries, seen in self:
            for n, entry in enumerate(entries):
                if is_held_out(entry.file_name):
                    if number in chosen:
                        works.append(entry)
                        features.append(seen.features[n])
                        edges.append(seen.edges[n])
                    number += 1
        return works, ComparedPictures(np.stack(features), np.stack(edges))


def _first(report: CatalogueReport) -> str:
    return f"{report.skipped[0].file_name}: {report.skipped[0].reason}"


def _named(entry: CatalogueEntry) -> TrainingPicture:
    return TrainingPicture(entry.file_name, entry.artist, entry.title)


def _calibrated(
    index: CopyIndex, works: Sequence[CatalogueEntry], seen: ComparedPictures, on_progress: OnProgress | None
) -> Calibration:
    """Calibrates once for each work and index; a cache row is (similarity, row of the nearest training picture)."""
    # Keys are hashes of the content, not file names: a work under another name is not compared again.
    keys = [
        content_key(index.identity, features.tobytes(), edges.tobytes())
        for features, edges in zip(seen.features, seen.edges, strict=True)
    ]

    def make(positions: list[int]) -> np.ndarray:
        found = [index.nearest(seen.features[n], seen.edges[n]) for n in positions]
        return np.array([(match.similarity, match.place) for match in found], np.float64)

    def tell(done: int, of: int) -> None:
        if on_progress is not None:
            on_progress("held-out works", done, of)

    try:
        cache = RowCache(cache_folder() / "copy-calibration", (2,), "float64")
        cache.fill(keys, make, chunk=_CHUNK, on_progress=tell)
        rows = cache.rows(keys, make, chunk=_CHUNK)
    except OSError as error:
        raise ImpastoError(f"{cache_folder()} cannot be written: {error.strerror}") from None
    same = [index.pictures[int(place)].artist == work.artist != "" for work, (_, place) in zip(works, rows, strict=True)]
    return Calibration(rows[:, 0].astype(np.float32), np.array(same, np.bool_))
