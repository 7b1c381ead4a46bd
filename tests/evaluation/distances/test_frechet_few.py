"""The Fréchet distance of few pictures, held against leaving each one out by hand."""

import numpy as np
import pytest

from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.evaluation.distances.frechet_few import frechet_left_out


def drawn(count: int, seed: int, width: int = 24, shift: float = 0.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(count, width)) * np.linspace(1, 3, width) + shift).astype(np.float32)


def by_hand(rows: np.ndarray, distances: list[float]) -> np.ndarray:
    found = np.array(distances)
    return -(len(rows) - 1) * (found - found.mean())


@pytest.mark.parametrize(("ours", "theirs"), [(9, 6), (5, 8), (40, 7), (30, 30)])
def test_it_is_the_distance_and_each_picture_left_out(ours: int, theirs: int) -> None:
    x, y = drawn(ours, 1), drawn(theirs, 2, shift=0.5)
    found = frechet_left_out(x, y)
    assert found.distance == pytest.approx(frechet_distance(x, y, allow_few=True), rel=1e-6)
    mine = [frechet_distance(np.delete(x, n, 0), y, allow_few=True) for n in range(ours)]
    its = [frechet_distance(x, np.delete(y, n, 0), allow_few=True) for n in range(theirs)]
    scale = found.distance
    assert found.ours == pytest.approx(by_hand(x, mine), abs=1e-4 * scale)
    assert found.theirs == pytest.approx(by_hand(y, its), abs=1e-4 * scale)


def test_intervals_hold_the_value_and_pairs_take_away_what_both_share() -> None:
    real, before = drawn(20, 3), drawn(30, 4, shift=2.0)
    after = before - 1.0  # each picture's counterpart, nearer
    first, second = frechet_left_out(before, real), frechet_left_out(after, real)
    estimate, change = first.estimate(), first.change_to(second)
    assert estimate.low is not None and estimate.high is not None and estimate.low < estimate.value < estimate.high
    assert change.value == pytest.approx(second.distance - first.distance) and change.value < 0
    assert change.low is not None and change.high is not None and change.high < 0
    assert change.high - change.low < estimate.high - estimate.low
    same = first.change_to(first)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_the_interval_covers_what_other_draws_give() -> None:
    """The deviation that it tells is that over fresh draws of both sets, to a third."""
    pairs = [(drawn(25, 100 + n, 6), drawn(18, 900 + n, 6, shift=1.0)) for n in range(120)]
    found = [frechet_left_out(*pair) for pair in pairs]
    spread = np.std([one.distance for one in found])
    told = [np.sqrt(one.ours.var() / len(one.ours) + one.theirs.var() / len(one.theirs)) for one in found]
    assert np.mean(told) == pytest.approx(spread, rel=0.33)


def test_too_few_and_other_widths() -> None:
    with pytest.raises(ImpastoError, match="at least 3 a side, not 2"):
        frechet_left_out(drawn(5, 1), drawn(2, 2))
    with pytest.raises(ImpastoError, match="cannot be compared"):
        frechet_left_out(drawn(5, 1), drawn(5, 2, width=7))
