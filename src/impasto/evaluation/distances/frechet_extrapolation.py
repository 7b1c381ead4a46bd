"""The Fréchet distance at infinitely many pictures (Chong and Forsyth 2020).

At n pictures the distance is too large by a term in 1/n, and by another one for every generator, so that distances at
small n can order generators wrongly. A line through the distances of smaller and smaller sets, drawn over 1/n, meets
1/n = 0 where the bias is gone.
"""

from dataclasses import dataclass

import numpy as np

from impasto.evaluation.distances.frechet import fit_gaussian, frechet_between

POINTS = 15  # as in the paper
SMALLEST = 0.5  # of the pictures, the share in the smallest set


@dataclass(frozen=True)
class Extrapolated:
    """The distance at 1/n = 0, and the standard deviation that the spread of the points about their line gives it."""

    distance: float
    deviation: float


def frechet_at_infinity(ours: np.ndarray, theirs: np.ndarray, *, points: int = POINTS, seed: int = 0) -> Extrapolated:
    """From features [n, d] and [m, d]: least squares through `points` sets of half to all of either side, chosen by `seed`.

    Both sides shrink together, so that the bias of both goes. The line is true where also the smallest set has more pictures
    than features. The distance may come out below 0 where there is none.

    Raises:
        ImpastoError: as `fit_gaussian`.
    """
    draw = np.random.default_rng(seed)
    inverse = np.linspace(1, 1 / SMALLEST, points)  # in units of 1/n
    distances = []
    for part in 1 / inverse:
        sides = [rows[draw.choice(len(rows), max(2, round(part * len(rows))), replace=False)] for rows in (ours, theirs)]
        distances.append(frechet_between(*map(fit_gaussian, sides)).distance)
    (_, at_zero), covariance = np.polyfit(inverse, distances, 1, cov=True)
    return Extrapolated(float(at_zero), float(np.sqrt(covariance[1, 1])))
