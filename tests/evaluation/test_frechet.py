import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.frechet import frechet_distance


def test_equal_sets_are_at_no_distance() -> None:
    rows = np.random.default_rng(0).standard_normal((200, 6))
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-9)


def test_known_gaussians_on_the_diagonal() -> None:
    """For diagonal covariances the distance is |m1 - m2|^2 + sum (s1 - s2)^2."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal((5000, 3))
    base = (base - base.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(base.T))).T  # exactly white
    ours = base * [1.0, 2.0, 3.0] + [0.0, 1.0, 0.0]
    theirs = base[::-1] * [2.0, 2.0, 1.0] + [3.0, 1.0, -1.0]
    assert frechet_distance(ours, theirs) == pytest.approx((9 + 0 + 1) + (1 + 0 + 4), rel=1e-6)


def test_it_agrees_with_the_matrix_square_root() -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(2)
    ours, theirs = rng.standard_normal((300, 8)) @ rng.standard_normal((8, 8)), rng.standard_normal((250, 8)) + 0.3
    c1, c2 = np.cov(ours.T), np.cov(theirs.T)
    root = scipy_linalg.sqrtm(c1 @ c2).real
    plain = np.square(ours.mean(0) - theirs.mean(0)).sum() + np.trace(c1 + c2 - 2 * root)
    assert frechet_distance(ours, theirs) == pytest.approx(plain, rel=1e-8)


def test_fewer_pictures_than_features_are_refused_unless_told() -> None:
    few = np.random.default_rng(3).standard_normal((5, 8))
    with pytest.raises(ImpastoError, match="more than 8 pictures"):
        frechet_distance(few, few)
    assert frechet_distance(few, few, allow_few=True) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ImpastoError):
        frechet_distance(few[:1], few, allow_few=True)


def test_other_shapes_and_no_numbers_are_refused() -> None:
    with pytest.raises(ImpastoError):
        frechet_distance(np.zeros((9, 3)), np.zeros((9, 4)))
    with pytest.raises(ImpastoError, match="finite"):
        frechet_distance(np.full((9, 3), np.nan), np.zeros((9, 3)))
