"""The Fréchet distance between two sets of features (Dowson and Landau 1982; Heusel et al. 2017, equation 6)."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from impasto.errors import ImpastoError, MissingPart
from impasto.evaluation.distances.moments import Moments, chunks

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Gaussian:
    """Mean [d] and unbiased covariance [d, d], float64, of `count` rows of features.

    If there are not more rows than features, the covariance is singular, and `factor` [d, count] is a factor of it.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int
    factor: np.ndarray | None = None

    @property
    def has_full_rank(self) -> bool:
        """Whether there are more rows than features."""
        return self.count > len(self.mean)


@dataclass(frozen=True)
class Frechet:
    """A squared Fréchet distance, at least 0, and an upper bound of its rounding error (Weyl's inequality)."""

    distance: float
    error: float


def frechet_distance(ours: np.ndarray, theirs: np.ndarray, *, allow_few: bool = False) -> float:
    """Returns the squared Fréchet distance of the Gaussians fitted to features [n, d] and [m, d]; at least 0.

    The distance is |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The estimate grows as the sets shrink, so only distances
    between sets of equal sizes can be compared.

    Raises:
        ImpastoError: a set does not have more pictures than features (its covariance then lacks full rank) and `allow_few`
            is not set, a set has fewer than 2 pictures, the widths differ, or values are not finite.
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


def fit_gaussian(rows: np.ndarray, places: np.ndarray | None = None) -> Gaussian:
    """Returns the Gaussian with the mean and the unbiased covariance of features [n, d], or of the rows at `places`.

    More rows than features are read in parts, so that the memory does not depend on their number.

    Raises:
        ImpastoError: there are fewer than 2 rows, or values are not finite.
    """
    count = len(rows) if places is None else len(places)
    if count < 2:
        raise ImpastoError(f"a covariance needs at least 2 pictures, not {count}")
    if count <= rows.shape[1]:
        chosen = rows if places is None else rows[places]
        mean = chosen.mean(axis=0, dtype=np.float64)
        _check_finite(mean)
        factor = (chosen - mean).T / np.sqrt(count - 1)
        return Gaussian(mean, factor @ factor.T, count, factor)
    return gaussian_of(Moments.of(chunks(rows, places)))


def gaussian_of(moments: Moments) -> Gaussian:
    """Returns the Gaussian of rows that were added up in parts, in one process or in several.

    Raises:
        ImpastoError: there are fewer than 2 rows, or values are not finite.
    """
    _check_finite(moments.mean)
    return Gaussian(moments.mean, moments.covariance, moments.count)


def _check_finite(mean: np.ndarray) -> None:
    if not np.isfinite(mean).all():
        raise ImpastoError("features that are not finite cannot be compared")


def frechet_between(first: Gaussian, second: Gaussian) -> Frechet:
    """Returns the Fréchet distance between two Gaussians on the same features.

    tr((C1 C2)^(1/2)) is the sum of the square roots of the eigenvalues of C1 C2. These are also the eigenvalues of the
    symmetric matrix L'C2 L, where C1 = L L'. So no matrix root is needed and no value becomes complex.

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
    """Returns how much each picture moves the distance: the influence function of each set (Hampel 1974).

    The derivative of the distance is I - T with respect to C1, where T is the linear map that carries the first Gaussian to
    the second one (Dowson and Landau 1982), and I - T^-1 with respect to C2.

    Args:
        ours, theirs: features [n, d] and [m, d].
        first, second: the Gaussians of these features, both of full rank.

    Returns:
        Contributions [n] and [m], each with mean 0.

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
    mine = _change(ours, first.mean, shift, vectors, roots)
    return mine, _change(theirs, second.mean, -shift, first.covariance @ vectors, 1 / roots)


def _change(
    rows: np.ndarray, mean: np.ndarray, shift: np.ndarray, vectors: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    parts = []
    for part in chunks(rows):
        centred = part - mean
        moved = np.square(centred @ vectors) @ weights
        parts.append(2 * centred @ shift + np.square(centred).sum(1) - moved)
    change = np.concatenate(parts)
    return change - change.mean()


def _spectrum(first: Gaussian, second: Gaussian) -> np.ndarray:
    """The eigenvalues, at least 0, of the product of the covariances; eigenvalues that must be 0 may be left out."""
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
    """Error bound of twice the sum of the roots, if each eigenvalue is wrong by d * eps * the largest eigenvalue."""
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
