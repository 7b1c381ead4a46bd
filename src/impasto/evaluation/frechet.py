"""The Fréchet distance between two sets of features (Dowson and Landau 1982; Heusel et al. 2017, equation 6)."""

import numpy as np

from impasto.errors import ImpastoError


def frechet_distance(ours: np.ndarray, theirs: np.ndarray, *, allow_few: bool = False) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the Gaussians fitted to features [n, d] and [m, d]; at least 0.

    The estimate grows as the sets shrink, so only distances between sets of equal sizes can be compared.

    Raises:
        ImpastoError: fewer pictures than features in a set (the covariance has no full rank then) without `allow_few`,
            fewer than 2 at all, features of different widths, or values that are not finite.
    """
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1]:
        raise ImpastoError(f"features of shapes {ours.shape} and {theirs.shape} cannot be compared")
    fewest, width = min(len(ours), len(theirs)), ours.shape[1]
    if fewest < 2 or (fewest <= width and not allow_few):
        raise ImpastoError(
            f"a Fréchet distance on {width} features needs more than {width} pictures a side, not {fewest}"
        )
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ImpastoError("features that are not finite cannot be compared")
    shift = float(np.square(a.mean(0) - b.mean(0)).sum())
    # tr((C1 C2)^(1/2)) is the sum of the singular values of A'B, where C1 = A A' and C2 = B B' with the centred
    # features as columns: no matrix root is needed, and nothing is lost where a covariance is singular.
    left = (a - a.mean(0)) / np.sqrt(len(a) - 1)
    right = (b - b.mean(0)) / np.sqrt(len(b) - 1)
    spread = float(np.square(left).sum() + np.square(right).sum())
    left, right = _square_factor(left), _square_factor(right)
    overlap = float(np.linalg.svd(left @ right.T, compute_uv=False).sum())
    return max(0.0, shift + spread - 2 * overlap)


def _square_factor(rows: np.ndarray) -> np.ndarray:
    """A factor R [<= d, d] with R'R = rows'rows, so that no larger matrix than [d, d] is decomposed."""
    return np.asarray(np.linalg.qr(rows, mode="r")) if len(rows) > rows.shape[1] else rows
