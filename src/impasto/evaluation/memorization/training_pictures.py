"""Builds the copy index of a catalogue's training pictures and calibrates it on the held-out works."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.index import ComparedPictures, CopyIndex, OnProgress, TrainingPicture, see
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
    catalogue = read_catalogue(folder, check_images=False)
    report = CatalogueReport() if report is None else report
    report.skipped += catalogue.report.skipped
    entries = catalogue.entries
    seen = see(entries, features, report, on_progress)
    readable = [int(place) for place in seen.whole]
    if not readable:
        raise ImpastoError(f"{folder} holds no picture that can be read (the first, {_first(report)})")
    training = [place for place in readable if not is_held_out(entries[place].file_name)]
    if not training:
        raise ImpastoError(f"{folder} holds no training picture: all {len(readable)} are held out; add more")
    pictures = [_named(entries[place]) for place in training]
    index = CopyIndex.of(pictures, seen.at(training), features)
    held_out = [place for place in readable if is_held_out(entries[place].file_name)]
    if held_out:
        # Spread evenly over the catalogue, which is often sorted by artist.
        chosen = [held_out[n] for n in np.linspace(0, len(held_out) - 1, min(len(held_out), MOST_CALIBRATED)).astype(int)]
        index.calibration = _calibrated(index, [entries[place] for place in chosen], seen.at(chosen), on_progress)
    return index


def _first(report: CatalogueReport) -> str:
    return f"{report.skipped[0].file_name}: {report.skipped[0].reason}"


def _named(entry: CatalogueEntry) -> TrainingPicture:
    return TrainingPicture(entry.file_name, entry.artist, entry.title)


def _calibrated(
    index: CopyIndex, works: Sequence[CatalogueEntry], seen: ComparedPictures, on_progress: OnProgress | None
) -> Calibration:
    """Calibrates once for each work and index; a cache row is (similarity, row of the nearest training picture)."""
    places = {picture.file_name: place for place, picture in enumerate(index.pictures)}
    # Keys are hashes of the content, not file names: a work under another name is not compared again.
    keys = [
        content_key(index.identity, features.tobytes(), edges.tobytes())
        for features, edges in zip(seen.features, seen.edges, strict=True)
    ]

    def make(positions: list[int]) -> np.ndarray:
        found = [index.nearest(seen.features[n], seen.edges[n]) for n in positions]
        return np.array([(match.similarity, places[match.training.file_name]) for match in found], np.float64)

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
