"""Searches a catalogue's pictures by text or by picture.

The search is exact: the query's embedding is multiplied with the embeddings of all pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.vision.scorers.interface import TextImageScorer


@dataclass(frozen=True)
class Found:
    """A picture and its similarity to the query, -1..1."""

    entry: CatalogueEntry
    similarity: float


def search_catalogue(
    folder: Path,
    question: str | Image.Image,
    scorer: TextImageScorer,
    *,
    count: int = 10,
    report: CatalogueReport | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Found]:
    """Returns the `count` pictures that are most similar to the text or the picture, the most similar first.

    Embeddings are cached by content, so only new and edited pictures are encoded. The product with 100,000 embeddings of 256
    numbers each takes a few milliseconds. `on_progress` is called with (done, total).

    Raises:
        UsageError: `question` is empty, or `count` is less than 1.
        ImpastoError: the catalogue cannot be read.
    """
    if count < 1:
        raise UsageError(f"--count {count}: use 1 or more")
    if isinstance(question, str) and not question.strip():
        raise UsageError("there is nothing to search for")
    catalogue = read_catalogue(folder, check_images=False)
    if report is not None:
        report.skipped += catalogue.report.skipped
        report.warnings += catalogue.report.warnings
    vectors = image_vectors(catalogue.entries, scorer, on_progress, report=report)
    asked = scorer.embed_texts([question]) if isinstance(question, str) else scorer.embed_images([question])
    similarities = np.nan_to_num(vectors @ asked[0], nan=-np.inf)
    best = np.argsort(-similarities, kind="stable")[:count]
    return [Found(catalogue.entries[n], float(similarities[n])) for n in best if np.isfinite(similarities[n])]
