"""Searches a catalogue's pictures by text or by picture.

Up to a million pictures the search is exact: the query's embedding is multiplied with the embeddings of all pictures, part
by part. More are searched with an index (`vectors.index`).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.data.annotations.log import content_of
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.catalogue.read import Catalogue, catalogue_parts
from impasto.data.vectors.index import BRUTE_FORCE, open_index
from impasto.data.vectors.nearest import nearest_of_all
from impasto.errors import ImpastoError, UsageError
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
    brute_force: int = BRUTE_FORCE,
) -> list[Found]:
    """Returns the `count` pictures that are most similar to the text or the picture, the most similar first.

    Embeddings are cached by content, so only new and edited pictures are encoded. The product with 100,000 embeddings of 256
    numbers each takes a few milliseconds. Of more than `brute_force` pictures in shards an index is built and kept, which
    finds about 96 of 100. `on_progress` is called with (done, total).

    Raises:
        UsageError: `question` is empty, or `count` is less than 1.
        MissingPart: there are more than `brute_force` pictures, and faiss is not installed.
        ImpastoError: the catalogue cannot be read, or the index cannot be written.
    """
    if count < 1:
        raise UsageError(f"--count {count}: use 1 or more")
    if isinstance(question, str) and not question.strip():
        raise UsageError("there is nothing to search for")
    asked = scorer.embed_texts([question]) if isinstance(question, str) else scorer.embed_images([question])
    seen = _Seen(folder, scorer, report or CatalogueReport(), on_progress)
    if seen.pictures > brute_force and seen.in_parts:
        near = open_index(seen.blocks, seen.identity()).search(asked, count)
    else:
        near = nearest_of_all(asked, seen.blocks(), count)
    places = [int(place) for place in near.place[0] if place >= 0]
    entries = seen.at(places)
    return [Found(entries[place], float(near.similarity[0, n])) for n, place in enumerate(places)]


class _Seen:
    """The embeddings of a catalogue, part by part; the pictures are numbered through in the order of the parts.

    Attributes:
        pictures: the number of pictures, as far as it is known before they are read.
        in_parts: whether it is a set of shards; a folder's entries are kept.
    """

    def __init__(
        self,
        folder: Path,
        scorer: TextImageScorer,
        report: CatalogueReport,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self._folder, self._scorer, self._report, self._on_progress = folder, scorer, report, on_progress
        first = next(catalogue_parts(folder, check_images=False))
        self.in_parts = first.home != first.folder
        self._whole = None if self.in_parts else first
        self.pictures = first.of if self.in_parts else len(first.entries)
        self._told = False

    def _parts(self) -> Iterator[Catalogue]:
        if self._whole is not None:
            yield self._whole
        else:
            yield from catalogue_parts(self._folder, check_images=False)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yields the embeddings [n, width] of the parts; what cannot be read is told at the first call."""
        told = CatalogueReport() if self._told else self._report
        self._told = True
        for part in self._parts():
            told.add(part.report)

            def tell(done: int, of: int, part: Catalogue = part) -> None:
                if self._on_progress is not None:
                    self._on_progress(*part.progress(done, of))

            yield image_vectors(part.entries, self._scorer, tell, report=told)

    def identity(self) -> str:
        """Returns a hash of the pictures' contents, in order, and of the scorer."""
        digest = hashlib.sha256(self._scorer.identity.encode())
        for part in self._parts():
            for entry in part.entries:
                try:
                    digest.update(bytes.fromhex(content_of(entry.file)))
                except ImpastoError:
                    digest.update(bytes(32))
        return digest.hexdigest()

    def at(self, places: list[int]) -> dict[int, CatalogueEntry]:
        """Returns the entries with these numbers."""
        wanted, found, start = set(places), dict[int, CatalogueEntry](), 0
        for part in self._parts():
            inside = [place for place in wanted if start <= place < start + len(part.entries)]
            found |= {place: part.entries[place - start] for place in inside}
            start += len(part.entries)
            if len(found) == len(wanted):
                break
        return found
