"""How far two sets of features cover each other: precision and recall (Kynkäänniemi et al. 2019), density and coverage
(Naeem et al. 2020). The manifold of a set is the union of balls about its pictures, each as wide as to the k-th neighbour.
"""

from dataclasses import dataclass

import numpy as np

from impasto.errors import ImpastoError
from impasto.evaluation.distances.pairs import squared_distances

PRECISION_NEIGHBOUR = 3  # Kynkäänniemi et al., section 3
DENSITY_NEIGHBOUR = 5  # Naeem et al., section 3
# Of the sets' mean square: what rounding may add to a distance that is exactly a ball's radius.
_ROUNDING = 1e-11


@dataclass(frozen=True)
class Manifolds:
    """What is inside of what, picture by picture; the measure is the mean.

    Attributes:
        precision: bool [n], whether one of ours lies on the manifold of theirs (fidelity).
        recall: bool [m], whether one of theirs lies on the manifold of ours (variety).
        density: float [n], in how many of their balls one of ours lies, over k. May be above 1.
        coverage: bool [m], whether a ball of theirs holds one of ours.
    """

    precision: np.ndarray
    recall: np.ndarray
    density: np.ndarray
    coverage: np.ndarray


def compare_manifolds(ours: np.ndarray, theirs: np.ndarray) -> Manifolds:
    """Features [n, d] and [m, d] against each other; the balls' k is 3 for precision and recall, else 5.

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
    """The squared distance [n] of each row to its k-th nearest other one, for each k of `neighbours`."""
    found = np.empty((len(neighbours), len(rows)))
    spread = float(np.var(rows, axis=0, dtype=np.float64).sum())
    for part, distances in squared_distances(rows, rows):
        # The nearest one, at place 0, is the row itself.
        found[:, part] = np.partition(distances, neighbours, axis=1)[:, neighbours].T
    return list(found + _ROUNDING * spread)
