"""Index of training pictures (features, edges and names) for finding copies; it is built once from a catalogue.

A comparison has two steps. First, features select candidates: the training pictures with the nearest features. Then, edges
decide: how well the picture fits one of the candidates, or a part of it, mirrored or not. Pictures that only look alike (a
series, a school) have near features but different edges. Pictures that are cropped, mirrored, recoloured or compressed have
the same edges.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from impasto.data.caches.image_vectors import image_vectors
from impasto.data.caches.large_arrays import large_array
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.data.vectors.index import BRUTE_FORCE, open_index
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.edge_alignment import Alignment, best_alignments
from impasto.evaluation.memorization.picture_names import PictureNames, TrainingPicture
from impasto.evaluation.memorization.structure import SIDE, Structure, StructureEncoder
from impasto.settings import cache_folder
from impasto.vision.scorers.interface import ImageEncoder

PROPOSED = 16  # number of training pictures whose edges are compared with a picture's edges
_WIDTH = 256  # width of the projected features
_BLOCK = 16_384
OnProgress = Callable[[str, int, int], None]  # called with (name of the step, number done, total)


@dataclass(frozen=True)
class Match:
    """The training picture that is most similar to a picture.

    Attributes:
        training: the training picture.
        place: its number in the index.
        alignment: the placement of the picture in it.
        feature_cosine: cosine of the projected features, -1 to 1.
    """

    training: TrainingPicture
    place: int
    alignment: Alignment
    feature_cosine: float

    @property
    def similarity(self) -> float:
        """The correlation of the edges, at most 1."""
        return self.alignment.correlation


@dataclass(frozen=True)
class ComparedPictures:
    """Features float32 [n, d] and edge rows [n, `StructureEncoder.width`] of pictures to compare.

    The rows of a picture that cannot be read are NaN.
    """

    features: np.ndarray
    edges: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """The row numbers of the pictures that could be read."""
        return np.flatnonzero(np.isfinite(self.features[:, 0]) & np.isfinite(self.edges[:, 0]))

    def at(self, places: Sequence[int]) -> "ComparedPictures":
        """Returns only the pictures at these row numbers."""
        return ComparedPictures(self.features[places], self.edges[places])


def see(
    entries: Sequence[CatalogueEntry],
    features: ImageEncoder,
    report: CatalogueReport,
    on_progress: OnProgress | None = None,
) -> ComparedPictures:
    """Computes features and edges of the entries' pictures, or reads them from the user's cache.

    Raises:
        ImpastoError: the cache cannot be written.
    """

    def tell(what: str, done: int, of: int) -> None:
        if on_progress is not None:
            on_progress(what, done, of)

    seen = image_vectors(entries, features, partial(tell, "features"), report=report)
    # No report here: a picture that cannot be read fails in the same way and is already listed.
    edges = image_vectors(entries, StructureEncoder(), partial(tell, "edges"), dtype="float16")
    return ComparedPictures(seen, edges)


Parts = Callable[[], Iterator[ComparedPictures]]  # the same parts at every call, all of whose rows are readable


@dataclass
class CopyIndex:
    """The searchable index of training pictures.

    Attributes:
        pictures: names of the pictures, in the order of the rows.
        features_name, features_identity: the feature extractor that selects candidates (`ImageEncoder`).
        mean, projection: float32 [d], [d, w]: map features to projected features.
        projected: float16 [n, w], unit vectors.
        edges: uint8 [n, SIDE * SIDE].
        aspects: float32 [n].
        calibration: similarities of real paintings that are not in the index.
    """

    pictures: Sequence[TrainingPicture]
    features_name: str
    features_identity: str
    mean: np.ndarray
    projection: np.ndarray
    projected: np.ndarray
    edges: np.ndarray
    aspects: np.ndarray
    calibration: Calibration = field(default_factory=Calibration)

    @classmethod
    def of(cls, pictures: Sequence[TrainingPicture], seen: ComparedPictures, features: ImageEncoder) -> "CopyIndex":
        """Builds the index of pictures; `seen` has one row for each of them, and all rows are readable.

        Raises:
            ImpastoError: there is no picture.
        """
        if not len(pictures):
            raise ImpastoError("there is no training picture to compare with")
        names = PictureNames.of(pictures, len(pictures), sum(len(picture.line()) for picture in pictures))
        return cls.of_parts(names, lambda: iter([seen]), features)

    @classmethod
    def of_parts(cls, pictures: PictureNames, parts: Parts, features: ImageEncoder) -> "CopyIndex":
        """Builds the index of pictures that come in parts, which are gone through three times, one in memory at a time.

        Above 256 MiB an array of the index lies in a file without a name.

        Raises:
            ImpastoError: the user's cache cannot be written.
        """
        mean, projection = _half_whitening(parts, len(pictures))
        count, folder = len(pictures), cache_folder()
        try:
            projected = large_array((count, projection.shape[1]), "<f2", folder)
            edges = large_array((count, SIDE * SIDE), "|u1", folder)
        except OSError as error:
            raise ImpastoError(f"{folder} cannot be written: {error.strerror}") from None
        aspects = np.empty(count, np.float32)
        start = 0
        for seen in parts():
            rows = slice(start, start := start + len(seen.features))
            projected[rows] = _directions((seen.features - mean) @ projection)
            edges[rows], aspects[rows] = seen.edges[:, :-1], seen.edges[:, -1]
        return cls(pictures, features.name, features.identity, mean, projection, projected, edges, aspects)

    @cached_property
    def identity(self) -> str:
        """SHA-256 over the encoders' identities and the encoded pictures."""
        digest = hashlib.sha256(f"{self.features_identity}/{StructureEncoder.identity}".encode())
        for part in (self.projected, self.edges, self.aspects):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    @cached_property
    def _rows(self) -> np.ndarray:
        return self.projected.astype(np.float32)

    def nearest(self, features: np.ndarray, edges: np.ndarray) -> Match:
        """Returns the training picture most similar to a picture with features [d] and edges [`StructureEncoder.width`]."""
        direction = _directions((features[None] - self.mean) @ self.projection)
        if len(self.pictures) > BRUTE_FORCE:
            near = open_index(self._blocks, self.identity).search(direction.astype(np.float32), PROPOSED)
            proposed, cosines = near.place[0][near.place[0] >= 0], near.similarity[0]
        else:
            every = self._rows @ direction[0]
            proposed = np.argsort(-every, kind="stable")[:PROPOSED]
            cosines = every[proposed]
        found = best_alignments(Structure.of_row(edges), [self._structure(int(place)) for place in proposed])
        best = max(range(len(found)), key=lambda number: found[number].correlation)
        place = int(proposed[best])
        return Match(self.pictures[place], place, found[best], float(cosines[best]))

    def _blocks(self) -> Iterator[np.ndarray]:
        yield from (self.projected[start : start + _BLOCK] for start in range(0, len(self.pictures), _BLOCK))

    def _structure(self, place: int) -> Structure:
        return Structure.of_row(np.append(self.edges[place].astype(np.float32), self.aspects[place]))


def _half_whitening(parts: Parts, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] and projection [d, w] to the strongest principal components, each divided by the root of its deviation.

    Whitening (Jégou and Chum 2012) reduces the weight of what all paintings share. Half whitening adds less noise of the
    weak components. The number of components is at most a quarter of the number of pictures.
    """
    mean = np.add.reduce([seen.features.sum(0, dtype=np.float64) for seen in parts()]) / count
    scatter = np.zeros((len(mean), len(mean)))
    for seen in parts():
        centred = seen.features - mean
        scatter += centred.T @ centred
    width = max(1, min(_WIDTH, len(mean), count // 4))
    values, vectors = np.linalg.eigh(scatter / max(1, count - 1))
    strongest = values[::-1][:width]
    scale = np.maximum(strongest, max(1e-12, 1e-6 * float(strongest[0]))) ** -0.25
    return mean.astype(np.float32), (vectors[:, ::-1][:, :width] * scale).astype(np.float32)


def _directions(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
