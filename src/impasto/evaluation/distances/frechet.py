"""The Fréchet distance between two sets of features (Dowson and Landau 1982; Heusel et al. 2017, equation 6)."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from impasto.errors import ImpastoError, MissingPart

_CHUNK = 4096  # rows that are taken to float64 together
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Gaussian:
    """Mean [d] and unbiased covariance [d, d], float64, of `count` rows of features.

    Where the rows are no more than the features, `factor` [d, count] is one of the covariance, which is singular then.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int
    factor: np.ndarray | None = None

    @property
    def has_full_rank(self) -> bool:
        """Whether there were more rows than features."""
        return self.count > len(self.mean)


@dataclass(frozen=True)
class Frechet:
    """A squared Fréchet distance, at least 0, and how far rounding may have moved it at most (Weyl's inequality)."""

    distance: float
    error: float


def frechet_distance(ours: np.ndarray, theirs: np.ndarray, *, allow_few: bool = False) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the Gaussians fitted to features [n, d] and [m, d]; at least 0.

    The estimate grows as the sets shrink, so only distances between sets of equal sizes can be compared.

    Raises:
        ImpastoError: fewer pictures than features in a set (the covariance has no full rank then) without `allow_few`,
            fewer than 2 at all, features of different widths, or values that are not finite.
        MissingPart: SciPy is not installed.
    """
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1]:
        raise ImpastoError(f"features of shapes {ours.shape} and {theirs.shape} cannot be compared")
    fewest, width = min(len(ours), len(theirs)), ours.shape[1]
    if fewest <= width and not allow_few:
        raise ImpastoError(
            f"a Fréchet distance on {width} features needs more than {width} pictures a side, not {fewest}"
        )
    return frechet_between(fit_gaussian(ours), fit_gaussian(theirs)).distance


def fit_gaussian(rows: np.ndarray) -> Gaussian:
    """The Gaussian with the mean and the unbiased covariance of features [n, d].

    Raises:
        ImpastoError: fewer than 2 rows, or values that are not finite.
    """
    if len(rows) < 2:
        raise ImpastoError(f"a covariance needs at least 2 pictures, not {len(rows)}")
    mean = rows.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise ImpastoError("features that are not finite cannot be compared")
    if len(rows) <= rows.shape[1]:
        factor = (rows - mean).T / np.sqrt(len(rows) - 1)
        return Gaussian(mean, factor @ factor.T, len(rows), factor)
    products = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _CHUNK):
        centred = rows[start : start + _CHUNK] - mean
        products += centred.T @ centred
    return Gaussian(mean, products / (len(rows) - 1), len(rows))


def frechet_between(first: Gaussian, second: Gaussian) -> Frechet:
    """The distance between two Gaussians on the same features.

    tr((C1 C2)^(1/2)) is the sum of the roots of the eigenvalues of C1 C2. They are those of the symmetric L'C2 L, where
    C1 = L L', so that no matrix root is taken and nothing becomes complex.

    Raises:
        MissingPart: SciPy is not installed.
    """
    spectrum = _spectrum(first, second)
    shift = float(np.square(first.mean - second.mean).sum())
    spread = float(np.trace(first.covariance) + np.trace(second.covariance))
    distance = shift + spread - 2 * float(np.sqrt(spectrum).sum())
    return Frechet(max(0.0, distance), _rounding(spectrum, len(first.mean)) + len(first.mean) * _EPS * (shift + spread))


def frechet_contributions(
    ours: np.ndarray, theirs: np.ndarray, first: Gaussian, second: Gaussian
) -> tuple[np.ndarray, np.ndarray]:
    """How much each picture, [n] and [m] with mean 0, moves the distance: the influence function of its set (Hampel 1974).

    The distance falls with C1 as I - T, where T is the linear map that carries the first Gaussian to the second one
    (Dowson and Landau 1982), and with C2 as I - T^-1. The Gaussians are those of the rows and have full rank.

    Raises:
        ImpastoError: a covariance is singular, or nearly so.
        MissingPart: SciPy is not installed.
    """
    linalg = _linalg()
    try:
        # C2 C1 v = s v with V'C1 V = 1, so that T = V s^(1/2) V' and T^-1 = (C1 V) s^(-1/2) (C1 V)'.
        spectrum, vectors = linalg.eigh(second.covariance, first.covariance, type=2, check_finite=False)
    except linalg.LinAlgError:
        raise ImpastoError("the features of one set lie in fewer dimensions than they have numbers") from None
    roots = np.sqrt(np.maximum(spectrum, len(spectrum) * _EPS * max(spectrum[-1], _EPS)))
    shift = first.mean - second.mean
    mine = _change(ours - first.mean, shift, vectors, roots)
    return mine, _change(theirs - second.mean, -shift, first.covariance @ vectors, 1 / roots)


def _change(centred: np.ndarray, shift: np.ndarray, vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    moved = np.square(centred @ vectors) @ weights
    change = 2 * centred @ shift + np.square(centred).sum(1) - moved
    return change - change.mean()


def _spectrum(first: Gaussian, second: Gaussian) -> np.ndarray:
    """The eigenvalues, at least 0, of the product of the covariances; those that must be 0 may be left out."""
    linalg = _linalg()
    if first.factor is None and second.factor is not None:
        first, second = second, first
    factor = first.factor
    if factor is None:
        try:
            found = linalg.eigvalsh(second.covariance, first.covariance, type=2, check_finite=False)
            return np.maximum(found, 0)
        except linalg.LinAlgError:  # no Cholesky factor: the first covariance is singular
            values, vectors = linalg.eigh(first.covariance, check_finite=False)
            factor = vectors * np.sqrt(np.maximum(values, 0))
    return np.maximum(linalg.eigvalsh(factor.T @ second.covariance @ factor, check_finite=False), 0)


def _rounding(spectrum: np.ndarray, width: int) -> float:
    """By how much twice the sum of the roots may be wrong, where each eigenvalue is wrong by d eps of the largest."""
    wrong = width * _EPS * float(spectrum.max(initial=0))
    if not wrong:
        return 0.0
    return 2 * float(np.minimum(np.sqrt(wrong), wrong / np.sqrt(np.maximum(spectrum, wrong))).sum())


def _linalg() -> ModuleType:
    try:
        from scipy import linalg
    except ImportError:
        raise MissingPart("a Fréchet distance needs SciPy: pip install 'impasto[judge]'") from None
    return linalg
