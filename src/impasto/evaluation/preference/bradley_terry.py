"""Bradley-Terry scores from pairwise comparisons, and a check whether such scores exist."""

from dataclasses import dataclass

import numpy as np

_STEPS = 200
_CONVERGED = 1e-10  # limit of the largest change of a score


@dataclass(frozen=True)
class Unbounded:
    """The reason why the likelihood has no maximum: groups of contestants, by index, that cannot be ranked.

    Attributes:
        apart: groups without any comparison between them; empty if all contestants are connected.
        above: groups that never lost, not even half, to a contestant outside: their scores have no upper bound.
        below: groups that never won, not even half, against a contestant outside: their scores have no lower bound.
    """

    apart: tuple[tuple[int, ...], ...] = ()
    above: tuple[tuple[int, ...], ...] = ()
    below: tuple[tuple[int, ...], ...] = ()


def find_unbounded(wins: np.ndarray) -> Unbounded | None:
    """Returns why the scores do not exist, or None if they exist and are unique.

    They exist if, for every split of the contestants into two parts, a contestant of each part won, at least half, against
    one of the other part (Ford 1957; Hunter 2004, assumption 1).

    Args:
        wins: [k, k], how often the row's contestant was preferred to the column's; a tie is half a win for both.
    """
    beats = wins > 0
    reach = _reachable(beats)
    if reach.all():
        return None
    met = _reachable(beats | beats.T)
    if not met.all():
        return Unbounded(apart=_groups(met))
    groups = _groups(reach & reach.T)
    above = tuple(group for group in groups if not _outside(beats, group)[:, list(group)].any())
    below = tuple(group for group in groups if not _outside(beats.T, group)[:, list(group)].any())
    return Unbounded(above=above, below=below)


def fit_scores(wins: np.ndarray) -> np.ndarray:
    """Maximises the Bradley-Terry likelihood (Bradley and Terry 1952) and returns scores [k], in log odds, with mean 0.

    The contestant with score a is preferred to the one with score b with probability 1 / (1 + exp(b - a)). Ties are half a
    win for both. The log-likelihood is concave in the scores (Hunter 2004, section 2): Newton steps, halved where they
    overshoot, find its only maximum.

    Args:
        wins: as in `find_unbounded`, which must return None for them.
    """
    scores = np.zeros(len(wins))
    value = _log_likelihood(wins, scores)
    for _ in range(_STEPS):
        chance = _chances(scores)
        slope = (wins - (wins + wins.T) * chance).sum(1)
        step = np.linalg.pinv(information(wins, scores)) @ slope
        while (found := _log_likelihood(wins, scores + step)) < value - 1e-12 * abs(value):
            step /= 2
        scores, value = scores + step, found
        if np.abs(step).max() < _CONVERGED:
            break
    return scores - scores.mean()


def information(wins: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns minus the second derivative [k, k] of the log-likelihood with respect to the scores; its rows sum to 0."""
    chance = _chances(scores)
    weight = (wins + wins.T) * chance * (1 - chance)
    return np.diag(weight.sum(1)) - weight


def influences(wins: np.ndarray, scores: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Returns by how much each part of the comparisons moves the scores [n, k], with mean 0 over the parts.

    This is the first-order expansion of the scores in the weights of the parts (the infinitesimal jackknife, Efron 1982),
    times n; `bootstrap_interval` resamples it. The expansion gives replicates even if the likelihood of a resample has no
    maximum.

    Args:
        wins: as in `fit_scores`.
        parts: [n, k, k], the wins of each part; the comparisons of a part are drawn together.
    """
    slopes = (parts - (parts + parts.transpose(0, 2, 1)) * _chances(scores)).sum(2)
    found = len(parts) * slopes @ np.linalg.pinv(information(wins, scores))
    return found - found.mean(0)


def _chances(scores: np.ndarray) -> np.ndarray:
    """The probability that the row's contestant is preferred to the column's [k, k]."""
    return 1 / (1 + np.exp(scores[None] - scores[:, None]))


def _log_likelihood(wins: np.ndarray, scores: np.ndarray) -> float:
    return float(-(wins * np.logaddexp(0, scores[None] - scores[:, None])).sum())


def _reachable(edges: np.ndarray) -> np.ndarray:
    """Whether a path of edges leads from the row's to the column's contestant [k, k]; each contestant reaches itself."""
    reach = edges | np.eye(len(edges), dtype=bool)
    for middle in range(len(edges)):
        reach |= reach[:, [middle]] & reach[[middle], :]
    return reach


def _groups(same: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The classes of an equivalence relation [k, k], ordered by their first members."""
    return tuple(
        tuple(int(other) for other in np.flatnonzero(row)) for number, row in enumerate(same) if row.argmax() == number
    )


def _outside(edges: np.ndarray, group: tuple[int, ...]) -> np.ndarray:
    """The rows of all contestants outside the group."""
    return np.delete(edges, list(group), axis=0)
