"""The Fréchet distance of few pictures, with a jackknife interval where the covariances do not have full rank.

The influence function (`frechet.frechet_contributions`) needs the inverse of a covariance, which does not exist with fewer
pictures than features. This module leaves out every picture once instead (Efron and Stein 1981, the jackknife). The interval
covers chance only: with few pictures the distance is far too large, whatever its interval, and can only be compared at equal
numbers of pictures.
"""

from dataclasses import dataclass

import numpy as np

from impasto.errors import ImpastoError, MissingPart
from impasto.evaluation.estimate import Estimate, bootstrap_interval


@dataclass(frozen=True)
class LeftOut:
    """A squared Fréchet distance, and by how much each picture moves it ([n] and [m], each with mean 0)."""

    distance: float
    ours: np.ndarray
    theirs: np.ndarray

    def estimate(self, *, seed: int = 0) -> Estimate:
        """Returns the distance with its interval."""
        ends = bootstrap_interval(self.distance, self.ours, self.theirs, seed=seed)
        few = f"few pictures ({len(self.ours)} and {len(self.theirs)}): compare it only along a line"
        return Estimate(self.distance, *ends, len(self.ours), few)

    def change_to(self, other: "LeftOut", *, seed: int = 0) -> Estimate:
        """Returns by how much the distance of `other` is larger, with its interval.

        Both must be measured against the same pictures, and picture k of one must be the counterpart of picture k of the
        other (the same prompt and seed). The variation that both share then does not count as chance.
        """
        change = other.distance - self.distance
        ends = bootstrap_interval(change, other.ours - self.ours, other.theirs - self.theirs, seed=seed)
        return Estimate(change, *ends, len(self.ours))


def frechet_left_out(ours: np.ndarray, theirs: np.ndarray) -> LeftOut:
    """Returns the distance (`frechet.frechet_distance`) of features [n, d] and [m, d] and how much each picture moves it.

    Every picture is left out once; n and m are at least 3.

    With X and Y the centred features, tr((C1 C2)^(1/2)) is the sum of the singular values of XY' over
    ((n - 1)(m - 1))^(1/2). Leaving a picture out changes (XY')'(XY') by a matrix of rank one or two. So each distance costs
    the eigenvalues of a matrix as large as the smaller set.

    Raises:
        ImpastoError: a set has fewer than 3 pictures, or the features have different widths.
        MissingPart: SciPy is not installed.
    """
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1]:
        raise ImpastoError(f"features of shapes {ours.shape} and {theirs.shape} cannot be compared")
    if min(len(ours), len(theirs)) < 3:
        raise ImpastoError(f"leaving pictures out needs at least 3 a side, not {min(len(ours), len(theirs))}")
    if len(ours) < len(theirs):
        turned = frechet_left_out(theirs, ours)
        return LeftOut(turned.distance, turned.theirs, turned.ours)
    x, y = ours.astype(np.float64), theirs.astype(np.float64)
    shift = x.mean(0) - y.mean(0)
    x, y = x - x.mean(0), y - y.mean(0)
    n, m = len(x), len(y)
    across = x @ y.T
    products = across.T @ across  # [m, m]
    of_x, of_y = np.square(x).sum(1), np.square(y).sum(1)
    along_x, along_y, apart = x @ shift, y @ shift, float(shift @ shift)
    whole = apart + of_x.sum() / (n - 1) + of_y.sum() / (m - 1) - 2 * _roots(products) / np.sqrt((n - 1) * (m - 1))
    without_x, without_y = np.empty(n), np.empty(m)
    for i in range(n):
        rest = products - n / (n - 1) * np.outer(across[i], across[i])
        means = apart - 2 * along_x[i] / (n - 1) + of_x[i] / (n - 1) ** 2
        spread = (of_x.sum() - n / (n - 1) * of_x[i]) / (n - 2) + of_y.sum() / (m - 1)
        without_x[i] = means + spread - 2 * _roots(rest) / np.sqrt((n - 2) * (m - 1))
    for j in range(m):
        row = products[j] / (m - 1)
        rest = products + row[:, None] + row[None, :] + products[j, j] / (m - 1) ** 2
        rest = np.delete(np.delete(rest, j, 0), j, 1)
        means = apart + 2 * along_y[j] / (m - 1) + of_y[j] / (m - 1) ** 2
        spread = of_x.sum() / (n - 1) + (of_y.sum() - m / (m - 1) * of_y[j]) / (m - 2)
        without_y[j] = means + spread - 2 * _roots(rest) / np.sqrt((n - 1) * (m - 2))
    return LeftOut(max(0.0, float(whole)), _influence(without_x), _influence(without_y))


def _influence(without: np.ndarray) -> np.ndarray:
    return -(len(without) - 1) * (without - without.mean())


def _roots(products: np.ndarray) -> float:
    """The sum of the square roots of the eigenvalues; rounding may leave some of these slightly below 0."""
    try:
        from scipy import linalg
    except ImportError:
        raise MissingPart("a Fréchet distance needs SciPy: pip install 'impasto[judge]'") from None
    return float(np.sqrt(np.maximum(linalg.eigvalsh(products, check_finite=False), 0)).sum())
