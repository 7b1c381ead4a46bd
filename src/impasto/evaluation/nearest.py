"""How near a picture lies to the pictures that a model was trained on."""

from dataclasses import dataclass

import numpy as np

from impasto.errors import ImpastoError


@dataclass(frozen=True)
class Nearest:
    """For each picture the training picture nearest by the cosine of centred features."""

    cosine: np.ndarray  # float [n], -1 to 1
    place: np.ndarray  # int [n], the row of the training picture

    def percentiles(self, at: tuple[int, ...] = (5, 25, 50, 75, 95, 100)) -> dict[int, float]:
        """Percentiles of the cosines."""
        return {p: float(np.percentile(self.cosine, p)) for p in at}

    def closest(self, count: int) -> list[int]:
        """The rows of the `count` pictures that lie nearest to a training picture, nearest first."""
        return [int(n) for n in np.argsort(-self.cosine)[:count]]


def nearest_training_pictures(features: np.ndarray, training: np.ndarray) -> Nearest:
    """Features [n, d] against training features [m, d]. Both are centred on the training mean, since all pictures share
    most of an uncentred feature and every cosine would be near 1.

    Raises:
        ImpastoError: one of them is empty, or their widths differ.
    """
    if not len(features) or not len(training) or features.shape[1] != training.shape[1]:
        raise ImpastoError(f"features of shapes {features.shape} and {training.shape} cannot be compared")
    centre = training.mean(0)
    ours, theirs = _directions(features - centre), _directions(training - centre)
    place = np.zeros(len(ours), np.int64)
    cosine = np.zeros(len(ours))
    for start in range(0, len(ours), 256):
        likeness = ours[start : start + 256] @ theirs.T
        place[start : start + 256] = likeness.argmax(1)
        cosine[start : start + 256] = likeness.max(1)
    return Nearest(cosine, place)


def _directions(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
