import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import fit_gaussian, frechet_between, frechet_contributions, frechet_distance
from impasto.evaluation.estimate import bootstrap_interval

pytest.importorskip("scipy")


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


def by_singular_values(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The same distance without squaring a covariance: tr((C1 C2)^(1/2)) is the sum of the singular values of A'B."""
    left, right = ((rows - rows.mean(0)) / np.sqrt(len(rows) - 1) for rows in (ours, theirs))
    spread = np.square(left).sum() + np.square(right).sum() - 2 * np.linalg.svd(left @ right.T, compute_uv=False).sum()
    return float(np.square(ours.mean(0) - theirs.mean(0)).sum() + spread)


@pytest.mark.parametrize(
    ("pictures", "scale"),
    [((60, 70), 1.0), ((9, 70), 1.0), ((60, 9), 1.0), ((9, 12), 1.0), ((60, 70), 1e-7)],
    ids=["enough", "few of ours", "few of theirs", "few of both", "nearly singular"],
)
def test_the_error_that_is_told_is_not_exceeded(pictures: tuple[int, int], scale: float) -> None:
    rng = np.random.default_rng(4)
    stretch = np.geomspace(1, scale, 20)
    ours, theirs = (rng.standard_normal((count, 20)) * stretch for count in pictures)
    found = frechet_between(fit_gaussian(ours), fit_gaussian(theirs))
    assert abs(found.distance - by_singular_values(ours, theirs)) <= found.error < 1e-4
    assert frechet_distance(theirs, ours, allow_few=True) == pytest.approx(found.distance, abs=2 * found.error)


def test_a_feature_that_never_moves_costs_nothing() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = rng.standard_normal((40, 6)), rng.standard_normal((50, 6)) + 1
    a, b = (np.concatenate([rows, np.full((len(rows), 2), 3.0)], axis=1) for rows in (ours, theirs))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(ours, theirs), rel=1e-6)
    with pytest.raises(ImpastoError, match="fewer dimensions"):
        frechet_contributions(a, b, fit_gaussian(a), fit_gaussian(b))


def test_rows_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(6).standard_normal((100, 5)).astype(np.float32)
    monkeypatch.setattr("impasto.evaluation.distances.moments.CHUNK", 7)
    found = fit_gaussian(rows)
    np.testing.assert_allclose(found.covariance, np.cov(rows.astype(float).T), rtol=1e-12)
    np.testing.assert_allclose(found.mean, rows.mean(0, dtype=float), rtol=1e-12)


def test_contributions_tell_what_leaving_a_picture_out_does() -> None:
    rng = np.random.default_rng(7)
    ours, theirs = rng.standard_normal((400, 4)) @ rng.standard_normal((4, 4)), rng.standard_normal((300, 4)) + 0.5
    whole = frechet_distance(ours, theirs)
    sides = frechet_contributions(ours, theirs, fit_gaussian(ours), fit_gaussian(theirs))
    for side, contributions in enumerate(sides):
        rows = (ours, theirs)[side]
        for place in np.argsort(contributions)[[0, -1]]:
            pair = [ours, theirs]
            pair[side] = np.delete(rows, place, axis=0)
            moved = frechet_distance(pair[0], pair[1]) - whole
            assert -moved * (len(rows) - 1) == pytest.approx(contributions[place], rel=0.1)


def test_the_known_distance_of_gaussians_lies_within_the_interval() -> None:
    rng = np.random.default_rng(8)
    known, held = 0.25 + 1 + 0.25, 0
    for trial in range(40):
        ours = rng.standard_normal((1000, 4)) * [1.0, 2.0, 1.0, 0.5]
        theirs = rng.standard_normal((1500, 4)) * [2.0, 2.0, 1.0, 1.0] + [0.5, 0.0, 0.0, 0.0]
        first, second = fit_gaussian(ours), fit_gaussian(theirs)
        contributions = frechet_contributions(ours, theirs, first, second)
        low, high = bootstrap_interval(frechet_between(first, second).distance, *contributions, replicates=200, seed=trial)
        held += low < known < high
        assert high - low < 0.6
    assert held >= 35  # of 40, at 95 %
