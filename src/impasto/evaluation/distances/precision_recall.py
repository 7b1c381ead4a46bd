"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of two sets of features.

The manifold of a set is the union of balls around its pictures; the radius of each ball is the distance to the k-th
neighbour.
"""

from dataclasses import dataclass

import numpy as np

from impasto.errors import ImpastoError
from impasto.evaluation.distances.pairs import squared_distances

PRECISION_NEIGHBOUR = 3  # Kynkäänniemi et al., section 3
DENSITY_NEIGHBOUR = 5  # Naeem et al., section 3
# Share of the sets' mean square that rounding may add to a distance that is exactly a ball's radius.
_ROUNDING = 1e-11


@dataclass(frozen=True)
class Manifolds:
    """Membership of each picture in the other set's manifold; each measure is the mean over pictures.

    Attributes:
        precision: bool [n], whether a picture of `ours` lies on the manifold of `theirs` (fidelity).
        recall: bool [m], whether a picture of `theirs` lies on the manifold of `ours` (variety).
        density: float [n], the number of balls of `theirs` that contain a picture of `ours`, over k. May be above 1.
        coverage: bool [m], whether the ball of a picture of `theirs` contains a picture of `ours`.
    """

    precision: np.ndarray
    recall: np.ndarray
    density: np.ndarray
    coverage: np.ndarray


def compare_manifolds(ours: np.ndarray, theirs: np.ndarray) -> Manifolds:
    """Compares features [n, d] and [m, d]; k of the balls is 3 for precision and recall, otherwise 5.

    Raises:
        ImpastoError: a set is too small for its k-th neighbours.
    """
    fewest = min(len(ours), len(theirs))
    if fewest <= DENSITY_NEIGHBOUR:
        raise ImpastoError(f"neighbours need more than {DENSITY_NEIGHBOUR} pictures a side, not {fewest}")
    (mine,) = _radii(ours, PRECISION_NEIGHBOUR)
    narrow, wide = _radii(theirs, PRECISION_NEIGHBOUR, DENSITY_NEIGHBOUR)
    precision, density = np.zeros(len(ours), bool), np.zeros(len(ours))
    recall, nearest = np.zeros(len(theirs), bool), np.full(len(theirs), np.inf)
    for part, distances in squared_distances(ours, theirs):
        precision[part] = (distances <= narrow).any(1)
        density[part] = (distances <= wide).sum(1) / DENSITY_NEIGHBOUR
        recall |= (distances <= mine[part, None]).any(0)
        nearest = np.minimum(nearest, distances.min(0))
    return Manifolds(precision, recall, density, nearest <= wide)


def _radii(rows: np.ndarray, *neighbours: int) -> list[np.ndarray]:
    """The squared distance [n] of each row to its k-th nearest other row, for each k of `neighbours`."""
    found = np.empty((len(neighbours), len(rows)))
    spread = float(np.var(rows, axis=0, dtype=np.float64).sum())
    for part, distances in squared_distances(rows, rows):
        # The nearest row, at index 0, is the row itself.
        found[:, part] = np.partition(distances, neighbours, axis=1)[:, neighbours].T
    return list(found + _ROUNDING * spread)
