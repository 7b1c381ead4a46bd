import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.distances.precision_recall import compare_manifolds


def radii(rows: np.ndarray, neighbour: int) -> np.ndarray:
    return np.array([np.sort(np.linalg.norm(rows - row, axis=1))[neighbour] for row in rows])


@pytest.mark.parametrize("chunk", [7, 1000])
def test_all_four_equal_brute_force(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.evaluation.distances.pairs._CHUNK", chunk)
    rng = np.random.default_rng(0)
    ours = rng.standard_normal((60, 5))
    theirs = rng.standard_normal((80, 5)) * 1.3 + 0.4
    ours[:5] = theirs[:5]  # copies lie at the very distances that make the radii
    apart = np.linalg.norm(ours[:, None] - theirs, axis=2)
    near = 1 + 1e-9
    found = compare_manifolds(ours, theirs)
    np.testing.assert_array_equal(found.precision, (apart <= near * radii(theirs, 3)).any(1))
    np.testing.assert_array_equal(found.recall, (apart <= near * radii(ours, 3)[:, None]).any(0))
    np.testing.assert_allclose(found.density, (apart <= near * radii(theirs, 5)).sum(1) / 5)
    np.testing.assert_array_equal(found.coverage, (apart <= near * radii(theirs, 5)).any(0))
    assert 0 < found.precision.mean() < 1 and 0 < found.recall.mean() < 1


def test_a_set_against_itself_is_covered_and_one_far_away_is_not() -> None:
    rows = np.random.default_rng(1).standard_normal((50, 4))
    same, far = compare_manifolds(rows, rows), compare_manifolds(rows + 100, rows)
    for name in ("precision", "recall", "coverage"):
        assert getattr(same, name).all() and not getattr(far, name).any()
    assert same.density.mean() > 0.8 and far.density.max() == 0


def test_sets_of_one_mode_have_precision_without_recall() -> None:
    rng = np.random.default_rng(2)
    theirs = np.concatenate([rng.standard_normal((100, 3)), rng.standard_normal((100, 3)) + 20])
    found = compare_manifolds(rng.standard_normal((200, 3)) * 0.9, theirs)
    assert found.precision.mean() > 0.9
    assert 0.4 < found.recall.mean() < 0.55 and 0.4 < found.coverage.mean() < 0.55


def test_equal_pictures_and_too_few() -> None:
    rows = np.ones((20, 4), np.float32) * 0.1
    assert compare_manifolds(rows, rows).precision.all()
    with pytest.raises(ImpastoError, match="more than 5 pictures a side, not 5"):
        compare_manifolds(rows[:5], rows)
