import numpy as np
import pytest

from impasto.evaluation.distances.kernel_distance import kernel_distance


def plain(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate of Gretton et al. (2012), equation 3, pair by pair."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    within = sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (len(x) * (len(x) - 1))
    beyond = sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (len(y) * (len(y) - 1))
    return within + beyond - 2 * sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))


def test_one_subset_of_all_pictures_is_the_plain_sum() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 5)), rng.standard_normal((12, 5)) + 0.5
    found = kernel_distance(x, y, subsets=3)
    assert found.mean == pytest.approx(plain(x, y), rel=1e-10)
    assert found.deviation == pytest.approx(0, abs=1e-12)


def test_subsets_are_those_of_torch_fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in turn from either side by one generator of NumPy's old kind; also where pairs come in pieces."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((25, 4)) * 2
    monkeypatch.setattr("impasto.evaluation.distances.kernel_distance._CHUNK", 8)
    found = kernel_distance(x, y, subsets=4, subset_size=10)
    draw = np.random.RandomState(2020)
    expected = [plain(x[draw.choice(30, 10, replace=False)], y[draw.choice(25, 10, replace=False)]) for _ in range(4)]
    assert found.mean == pytest.approx(np.mean(expected), rel=1e-10)
    assert found.deviation == pytest.approx(np.std(expected), rel=1e-10)


def test_it_has_no_bias_and_contributions_tell_what_leaving_a_picture_out_does() -> None:
    rng = np.random.default_rng(2)
    same = [kernel_distance(*rng.standard_normal((2, 40, 6)), subsets=1).mean for _ in range(60)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(60)
    x, y = rng.standard_normal((200, 3)), rng.standard_normal((200, 3)) + 0.7
    found = kernel_distance(x, y, subsets=1)
    place = int(np.argmax(found.ours))
    without = kernel_distance(np.delete(x, place, axis=0), y, subsets=200, subset_size=199)
    assert (found.mean - without.mean) * 199 == pytest.approx(found.ours[place], rel=0.1)
    assert found.theirs.shape == (200,) and found.theirs.mean() == pytest.approx(0, abs=1e-9)
