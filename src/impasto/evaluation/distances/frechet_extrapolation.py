"""The Fréchet distance extrapolated to infinitely many pictures (Chong and Forsyth 2020).

At n pictures the distance is too large by a term in 1/n. This term differs between generators, so distances at small n can
rank generators wrongly. A line is fitted to the distances of smaller and smaller sets over 1/n; at 1/n = 0 it has no bias.
"""

from dataclasses import dataclass

import numpy as np

from impasto.evaluation.distances.frechet import fit_gaussian, frechet_between

POINTS = 15  # as in the paper
SMALLEST = 0.5  # share of the pictures in the smallest set


@dataclass(frozen=True)
class Extrapolated:
    """The distance at 1/n = 0, and its standard deviation from the spread of the points about the line."""

    distance: float
    deviation: float


def frechet_at_infinity(ours: np.ndarray, theirs: np.ndarray, *, points: int = POINTS, seed: int = 0) -> Extrapolated:
    """Returns the Fréchet distance of features [n, d] and [m, d] extrapolated to infinitely many pictures.

    Fits a line by least squares through the distances of `points` subsets, from half to all of either side, chosen by
    `seed`. Both sides shrink together, so that the bias of both disappears. The line is valid if the smallest set, too, has
    more pictures than features. If the true distance is 0, the result may be below 0.

    Raises:
        ImpastoError: the same as `fit_gaussian`.
    """
    draw = np.random.default_rng(seed)
    inverse = np.linspace(1, 1 / SMALLEST, points)  # in units of 1/n
    distances = []
    for part in 1 / inverse:
        sides = [
            fit_gaussian(rows, np.sort(draw.choice(len(rows), max(2, round(part * len(rows))), replace=False)))
            for rows in (ours, theirs)
        ]
        distances.append(frechet_between(*sides).distance)
    (_, at_zero), covariance = np.polyfit(inverse, distances, 1, cov=True)
    return Extrapolated(float(at_zero), float(np.sqrt(covariance[1, 1])))
