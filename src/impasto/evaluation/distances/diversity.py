"""Diversity of one set of pictures: the mean distance between their features."""

import numpy as np

from impasto.errors import ImpastoError
from impasto.evaluation.distances.pairs import squared_distances
from impasto.evaluation.estimate import Estimate, bootstrap_interval


def diversity(rows: np.ndarray, *, seed: int = 0) -> Estimate:
    """Returns the mean Euclidean distance over all pairs of different rows of features [n, d]; it does not depend on n.

    Raises:
        ImpastoError: there are fewer than 2 rows.
    """
    if len(rows) < 2:
        raise ImpastoError("the diversity of one picture is not defined")
    to_others = np.empty(len(rows))
    for part, squared in squared_distances(rows, rows):
        distances = np.sqrt(squared)
        distances[np.arange(len(distances)), np.arange(part.start, part.stop)] = 0  # removes rounding errors
        to_others[part] = distances.sum(1) / (len(rows) - 1)
    mean = float(to_others.mean())
    return Estimate(mean, *bootstrap_interval(mean, 2 * (to_others - mean), seed=seed), len(rows))
