"""Distances in feature space from pictures to the nearest pictures that a model was trained on."""

from dataclasses import dataclass

import numpy as np

from impasto.errors import ImpastoError


@dataclass(frozen=True)
class Nearest:
    """The nearest training picture of each picture, by the cosine of centred features."""

    cosine: np.ndarray  # float [n], -1 to 1
    place: np.ndarray  # int [n], the row of the training picture

    def percentiles(self, at: tuple[int, ...] = (5, 25, 50, 75, 95, 100)) -> dict[int, float]:
        """Returns percentiles of the cosines."""
        return {p: float(np.percentile(self.cosine, p)) for p in at}

    def closest(self, count: int) -> list[int]:
        """Returns the rows of the `count` pictures that are nearest to a training picture, nearest first."""
        return [int(n) for n in np.argsort(-self.cosine)[:count]]


def nearest_training_pictures(features: np.ndarray, training: np.ndarray) -> Nearest:
    """Finds the nearest training picture, features [m, d], for each of the features [n, d].

    Both sets are centred on the training mean, because all pictures share most of an uncentred feature and every cosine
    would be near 1.

    Raises:
        ImpastoError: one of the sets is empty, or their widths differ.
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


def distance_ratios(features: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Returns the ratio d1 / d2 of each picture, float [n] in 0 .. 1.

    d1 is the distance to the nearest training picture, d2 to the second nearest. A picture with a ratio below 1/3 counts as
    memorized in Yoon et al., *Diffusion Probabilistic Models Generalize when They Fail to Memorize* (2023); they measure in
    pixels, this function in features. If a work occurs twice in the training pictures, its copies are not detected: their
    ratio is near 1.

    Raises:
        ImpastoError: there are no pictures or fewer than two training pictures, or the widths differ.
    """
    if not len(features) or len(training) < 2 or features.shape[1] != training.shape[1]:
        raise ImpastoError(f"features of shapes {features.shape} and {training.shape} have no two distances")
    centre = training.mean(0)
    ours, theirs = (features - centre).astype(np.float64), (training - centre).astype(np.float64)
    lengths, ratios = (theirs**2).sum(1), np.zeros(len(ours))
    for start in range(0, len(ours), 256):
        part = ours[start : start + 256]
        squares = (part**2).sum(1)[:, None] - 2 * part @ theirs.T + lengths
        first, second = np.sqrt(np.maximum(np.partition(squares, 1, axis=1)[:, :2], 0)).T
        ratios[start : start + 256] = first / np.maximum(second, 1e-12)
    return ratios


def further_right(
    ours: np.ndarray, theirs: np.ndarray, at: tuple[int, ...] = (50, 75, 95, 99)
) -> list[int]:
    """Returns the percentiles at which the values `ours` [n] are above `theirs` [m].

    If these are all percentiles of `at`, the curve of `ours` lies further right.
    """
    return [p for p in at if np.percentile(ours, p) > np.percentile(theirs, p)]


def _directions(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
