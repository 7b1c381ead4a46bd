import numpy as np
import pytest

from impasto.evaluation.estimate import bootstrap_interval, estimate_mean


def test_the_interval_of_a_mean_is_as_wide_as_it_should_be() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = estimate_mean(values, note="seen")
    assert found.low is not None and found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert found.low < values.mean() == found.value < found.high
    assert (found.pictures, found.note) == (400, "seen")


def test_it_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        values = rng.exponential(1, 60)
        low, high = bootstrap_interval(values.mean(), values - values.mean(), replicates=200)
        held += low < 1 < high
    assert 85 <= held <= 99


def test_two_sets_add_their_chances_and_the_seed_decides() -> None:
    one = np.random.default_rng(2).normal(0, 1, 100)
    single, double = bootstrap_interval(0, one), bootstrap_interval(0, one, one)
    assert double[1] - double[0] == pytest.approx(np.sqrt(2) * (single[1] - single[0]), rel=0.1)
    assert bootstrap_interval(0, one, seed=1) == bootstrap_interval(0, one, seed=1) != single
