"""The training pictures that paintings are compared with, made once from a catalogue: features, edges and names.

A comparison has two steps. Features propose: of each picture, the training pictures whose features are nearest. Edges
decide: how well the picture fits one of them, or a part of it, mirrored or not. What only looks alike (a series, a school)
has near features and other edges; what is cropped, mirrored, recoloured or compressed has the same edges.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from impasto.data.caches.image_vectors import image_vectors
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.calibration import Calibration
from impasto.evaluation.memorization.edge_alignment import Alignment, best_alignments
from impasto.evaluation.memorization.structure import Structure, StructureEncoder
from impasto.vision.scorers.interface import ImageEncoder

PROPOSED = 16  # training pictures whose edges are compared with a picture's
_WIDTH = 256  # of the projected features
OnProgress = Callable[[str, int, int], None]  # what is done, number done, of


@dataclass(frozen=True)
class TrainingPicture:
    """What is told of a training picture; `file_name` as the catalogue has it."""

    file_name: str
    artist: str = ""
    title: str = ""


@dataclass(frozen=True)
class Match:
    """The training picture that a picture is most like.

    Attributes:
        training: which one.
        alignment: where in it.
        feature_cosine: of the projected features, -1 to 1.
    """

    training: TrainingPicture
    alignment: Alignment
    feature_cosine: float

    @property
    def similarity(self) -> float:
        """The correlation of their edges, at most 1."""
        return self.alignment.correlation


@dataclass(frozen=True)
class ComparedPictures:
    """Pictures as they are compared: features float32 [n, d] and rows of edges [n, `StructureEncoder.width`].

    Where a picture cannot be read its rows are NaN.
    """

    features: np.ndarray
    edges: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """The places of the pictures that could be read."""
        return np.flatnonzero(np.isfinite(self.features[:, 0]) & np.isfinite(self.edges[:, 0]))

    def at(self, places: Sequence[int]) -> "ComparedPictures":
        """Only these pictures."""
        return ComparedPictures(self.features[places], self.edges[places])


def see(
    entries: Sequence[CatalogueEntry],
    features: ImageEncoder,
    report: CatalogueReport,
    on_progress: OnProgress | None = None,
) -> ComparedPictures:
    """The entries' pictures as they are compared, from the user's cache where it has them.

    Raises:
        ImpastoError: the cache cannot be written.
    """

    def tell(what: str, done: int, of: int) -> None:
        if on_progress is not None:
            on_progress(what, done, of)

    seen = image_vectors(entries, features, partial(tell, "features"), report=report)
    # What could not be read is named once; it fails the same way here.
    edges = image_vectors(entries, StructureEncoder(), partial(tell, "edges"), dtype="float16")
    return ComparedPictures(seen, edges)


@dataclass
class CopyIndex:
    """Training pictures, ready to be compared with.

    Attributes:
        pictures: their names, in the order of the rows.
        features_name, features_identity: what proposes (`ImageEncoder`).
        mean, projection: float32 [d], [d, w]: features to projected ones.
        projected: float16 [n, w], unit vectors.
        edges: uint8 [n, SIDE * SIDE], and `aspects` float32 [n].
        calibration: how like real paintings are that are not among them.
    """

    pictures: list[TrainingPicture]
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
        """The index of pictures, as many as there are rows in `seen`, all of them whole.

        Raises:
            ImpastoError: there is none.
        """
        if not len(pictures):
            raise ImpastoError("there is no training picture to compare with")
        mean, projection = _half_whitening(seen.features)
        return cls(
            pictures=list(pictures),
            features_name=features.name,
            features_identity=features.identity,
            mean=mean,
            projection=projection,
            projected=_directions((seen.features - mean) @ projection).astype(np.float16),
            edges=seen.edges[:, :-1].astype(np.uint8),
            aspects=seen.edges[:, -1].astype(np.float32),
        )

    @cached_property
    def identity(self) -> str:
        """A SHA-256 of what the pictures are seen with and of what is seen."""
        digest = hashlib.sha256(f"{self.features_identity}/{StructureEncoder.identity}".encode())
        for part in (self.projected, self.edges, self.aspects):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    @cached_property
    def _rows(self) -> np.ndarray:
        return self.projected.astype(np.float32)

    def nearest(self, features: np.ndarray, edges: np.ndarray) -> Match:
        """The training picture most like one picture of features [d] and edges [`StructureEncoder.width`]."""
        cosines = self._rows @ _directions((features[None] - self.mean) @ self.projection)[0]
        proposed = np.argsort(-cosines, kind="stable")[:PROPOSED]
        found = best_alignments(Structure.of_row(edges), [self._structure(place) for place in proposed])
        best = max(range(len(found)), key=lambda number: found[number].correlation)
        place = int(proposed[best])
        return Match(self.pictures[place], found[best], float(cosines[place]))

    def _structure(self, place: int) -> Structure:
        return Structure.of_row(np.append(self.edges[place].astype(np.float32), self.aspects[place]))


def _half_whitening(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [d] and projection [d, w] to the strongest principal components, each divided by the root of its deviation.

    Whitening (Jégou and Chum 2012) takes its weight from what all paintings share; done by half it lets in less noise of the
    weak components. Few pictures have few components: a quarter as many as there are of them.
    """
    mean = features.mean(0, dtype=np.float64)
    centred = features - mean
    width = max(1, min(_WIDTH, features.shape[1], len(features) // 4))
    values, vectors = np.linalg.eigh(centred.T @ centred / max(1, len(features) - 1))
    strongest = values[::-1][:width]
    scale = np.maximum(strongest, max(1e-12, 1e-6 * float(strongest[0]))) ** -0.25
    return mean.astype(np.float32), (vectors[:, ::-1][:, :width] * scale).astype(np.float32)


def _directions(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
