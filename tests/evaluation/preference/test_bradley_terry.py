import math

import numpy as np
import pytest

from impasto.evaluation.preference.bradley_terry import (
    Unbounded,
    find_unbounded,
    fit_scores,
    influences,
    information,
)


def hunter(wins: np.ndarray) -> np.ndarray:
    """The same maximum by minorization and maximization: Hunter 2004, equation 3."""
    strength, met = np.ones(len(wins)), wins + wins.T
    for _ in range(1000):
        strength = wins.sum(1) / (met / (strength[:, None] + strength[None])).sum(1)
        strength /= strength.sum()
    scores = np.log(strength)
    return scores - scores.mean()


def random_wins(seed: int, count: int = 5) -> np.ndarray:
    wins = np.random.default_rng(seed).integers(1, 20, (count, count)).astype(float)
    np.fill_diagonal(wins, 0)
    return wins


def test_two_contestants_are_known_analytically() -> None:
    scores = fit_scores(np.array([[0.0, 30.0], [10.0, 0.0]]))
    assert scores == pytest.approx([math.log(3) / 2, -math.log(3) / 2], abs=1e-9)
    # Three ties are a win and a half for each.
    tied = fit_scores(np.array([[0.0, 31.5], [11.5, 0.0]]))
    assert tied[0] - tied[1] == pytest.approx(math.log(31.5 / 11.5), abs=1e-9)
    # The variance of log odds of 30 to 10 is 1/30 + 1/10.
    variance = np.linalg.pinv(information(np.array([[0.0, 30.0], [10.0, 0.0]]), scores))
    assert variance[0, 0] + variance[1, 1] - 2 * variance[0, 1] == pytest.approx(1 / 30 + 1 / 10)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_hunters_maximum(seed: int) -> None:
    wins = random_wins(seed)
    assert fit_scores(wins) == pytest.approx(hunter(wins), abs=1e-8)


def test_a_chain_of_narrow_bridges() -> None:
    # Neighbours only, and nearly always won by the stronger: where a plain Newton's step from 0 overshoots.
    wins = np.zeros((6, 6))
    for one in range(5):
        wins[one, one + 1], wins[one + 1, one] = 500, 0.5
    assert np.diff(fit_scores(wins)) == pytest.approx([-math.log(1000)] * 5, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_win_more_never_lowers_a_score(seed: int) -> None:
    wins = random_wins(seed)
    before = fit_scores(wins)
    wins[2, 4] += 1
    after = fit_scores(wins)
    assert after[2] > before[2] and after[4] < before[4]


def test_the_influences_foresee_what_leaving_a_part_out_does() -> None:
    rng = np.random.default_rng(3)
    parts = rng.poisson(0.5, (400, 4, 4)).astype(float)
    parts[:, range(4), range(4)] = 0
    wins = parts.sum(0)
    scores = fit_scores(wins)
    moved = influences(wins, scores, parts)
    assert np.abs(moved.mean(0)).max() < 1e-9
    for number in (0, 1, 2):
        without = fit_scores(wins - parts[number])
        assert scores - without == pytest.approx(moved[number] / len(parts), abs=2e-4)


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([(0, 1), (1, 0), (1, 2), (2, 1)], None),
        ([(0, 1), (1, 2), (2, 0)], None),
        ([(0, 1)], Unbounded(above=((0,),), below=((1,),))),
        ([(0, 1), (1, 0), (0, 2), (1, 2)], Unbounded(above=((0, 1),), below=((2,),))),
        ([(0, 1), (1, 2)], Unbounded(above=((0,),), below=((2,),))),
        ([(0, 2), (1, 2)], Unbounded(above=((0,), (1,)), below=((2,),))),
        ([(0, 1), (1, 0), (2, 3)], Unbounded(apart=((0, 1), (2, 3)))),
    ],
)
def test_what_cannot_be_placed(edges: list[tuple[int, int]], found: Unbounded | None) -> None:
    wins = np.zeros((1 + max(map(max, edges)),) * 2)
    for winner, loser in edges:
        wins[winner, loser] += 1
    assert find_unbounded(wins) == found
