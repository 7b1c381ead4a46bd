"""Computes preference scores from votes, with confidence intervals and statistics on the judges' reliability."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

import numpy as np

from impasto.evaluation.estimate import LEVEL, bootstrap_interval
from impasto.evaluation.preference.bradley_terry import Unbounded, find_unbounded, fit_scores, influences
from impasto.evaluation.preference.votes import Vote

# With fewer parts, their variation cannot be estimated.
MIN_PAIRS = 8
MIN_JUDGES = 5
_NORMAL = 1.959964  # the normal distribution's quantile for LEVEL

Interval = tuple[float, float]


@dataclass(frozen=True)
class FolderScore:
    """The result of one folder.

    Attributes:
        wins: number of wins; a tie counts as half.
        share: wins / votes.
        score: Bradley-Terry score in log odds, with mean 0 over all folders; None if there is no score.
        low, high: ends of the score's interval; None if there is no interval.
    """

    folder: str
    votes: int
    wins: float
    share: float
    score: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PairScore:
    """The comparison of two folders.

    Attributes:
        votes: number of votes on pairs of these two folders; the next three fields are parts of it.
        chance: probability, by the scores, that the first is preferred to the second; None if there are no scores.
        low, high: ends of the interval of `chance`; None if there is no interval.
    """

    first: str
    second: str
    votes: int
    first_wins: int
    second_wins: int
    ties: int
    chance: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class JudgeRecord:
    """Voting statistics of one judge.

    Attributes:
        left, right, ties: number of each choice.
        left_share: share of left among the choices that are no ties; None if there is no such choice.
        left_low, left_high: interval of `left_share` (Wilson 1927).
        repeated: how often the judge saw a pair again.
        agreed: how often the answer to a repeated pair was the same as the time before.
        seconds: the median time of a vote.
    """

    judge: str
    votes: int
    left: int
    right: int
    ties: int
    left_share: float | None
    left_low: float | None
    left_high: float | None
    repeated: int
    agreed: int
    seconds: float


@dataclass(frozen=True)
class PreferenceReport:
    """The results of all votes on one question.

    Attributes:
        folders: the folders' results, best first.
        pairs: the comparison of every two folders.
        refused: the reasons why there are no scores; empty if there are scores.
        resampled: what was resampled for the intervals, in words; "" if there are no intervals.
        regularized: whether a tie was added for each two folders that were compared.
        notes: remarks to show beside the results.
    """

    question: str
    votes: int
    level: float
    folders: list[FolderScore]
    pairs: list[PairScore]
    judges: list[JudgeRecord]
    refused: list[str]
    resampled: str
    regularized: bool
    notes: list[str]


def score_votes(votes: Sequence[Vote], *, regularize: bool = False, seed: int = 0) -> PreferenceReport:
    """Computes the folders' scores from votes on one question, at least one vote.

    Intervals come from resampling pairs of pictures, each with all its votes. If there are at least `MIN_JUDGES` judges,
    judges are also resampled, each with all their votes. The wider interval counts.

    Args:
        regularize: adds one tie for each two folders that were compared, so that scores exist even if one won all votes.
        seed: seed of the resampling.
    """
    names = sorted({name for vote in votes for name in vote.folders})
    place = {name: number for number, name in enumerate(names)}
    wins = _wins(votes, place)
    counted = wins + 0.5 * ((wins + wins.T) > 0) if regularize else wins
    unbounded = find_unbounded(counted)
    fitted = _Fit.of(votes, counted, place, seed) if unbounded is None else None
    judges = [_judge(name, votes) for name in sorted({vote.judge for vote in votes})]
    folders = [_folder(name, wins, place, fitted) for name in names]
    return PreferenceReport(
        question=votes[0].question,
        votes=len(votes),
        level=LEVEL,
        folders=sorted(folders, key=lambda one: (-(one.share if one.score is None else one.score), one.folder)),
        pairs=[_pair(first, second, votes, place, fitted) for first, second in combinations(names, 2)],
        judges=judges,
        refused=_reasons(unbounded, names) if unbounded is not None else [],
        resampled=fitted.resampled if fitted is not None else "",
        regularized=regularize,
        notes=_notes(judges, fitted),
    )


@dataclass(frozen=True)
class _Fit:
    """Scores [k], and the influences [n, k] of each way of resampling."""

    scores: np.ndarray
    drawn: list[np.ndarray]
    resampled: str
    seed: int

    @classmethod
    def of(cls, votes: Sequence[Vote], wins: np.ndarray, place: dict[str, int], seed: int) -> "_Fit":
        scores = fit_scores(wins)
        drawn, words = [], []
        ways: tuple[tuple[str, int, Callable[[Vote], Hashable]], ...] = (
            ("pairs of pictures", MIN_PAIRS, lambda vote: vote.match or vote.pictures),
            ("judges", MIN_JUDGES, lambda vote: vote.judge),
        )
        for name, least, key in ways:
            parts: dict[Hashable, list[Vote]] = {}
            for vote in votes:
                parts.setdefault(key(vote), []).append(vote)
            if len(parts) >= least:
                moved = influences(wins, scores, np.stack([_wins(part, place) for part in parts.values()]))
                # This factor corrects the spread of n parts about their own mean, which is too small.
                drawn.append(moved * math.sqrt(len(parts) / (len(parts) - 1)))
                words.append(f"{len(parts)} {name}")
            elif name != "judges":
                break  # with too few pairs of pictures, resampling judges is no sound basis either
        return cls(scores, drawn, " and ".join(words), seed)

    def interval(self, direction: np.ndarray) -> Interval | None:
        """The interval of the sum of the scores times `direction` [k]; None if the votes do not determine its spread."""
        value = float(self.scores @ direction)
        moved = [influence @ direction for influence in self.drawn]
        found = [bootstrap_interval(value, one, seed=self.seed) for one in moved if np.abs(one).max() > 1e-9]
        return max(found, key=lambda ends: ends[1] - ends[0]) if found else None


def _wins(votes: Sequence[Vote], place: dict[str, int]) -> np.ndarray:
    wins = np.zeros((len(place), len(place)))
    for vote in votes:
        left, right = place[vote.left.folder], place[vote.right.folder]
        wins[left, right] += vote.left_wins
        wins[right, left] += 1 - vote.left_wins
    return wins


def _folder(name: str, wins: np.ndarray, place: dict[str, int], fitted: _Fit | None) -> FolderScore:
    number = place[name]
    won, lost = float(wins[number].sum()), float(wins[:, number].sum())
    votes = round(won + lost)
    if fitted is None:
        return FolderScore(name, votes, won, won / votes)
    direction = np.eye(len(place))[number]
    low, high = fitted.interval(direction) or (None, None)
    return FolderScore(name, votes, won, won / votes, float(fitted.scores[number]), low, high)


def _pair(first: str, second: str, votes: Sequence[Vote], place: dict[str, int], fitted: _Fit | None) -> PairScore:
    of_both = [vote for vote in votes if vote.folders == {first, second}]
    ties = sum(vote.choice == "tie" for vote in of_both)
    won = sum(vote.left_wins == (vote.left.folder == first) for vote in of_both)
    counts = (len(of_both), won, len(of_both) - won - ties, ties)
    if fitted is None:
        return PairScore(first, second, *counts)
    direction = np.eye(len(place))[place[first]] - np.eye(len(place))[place[second]]
    ends = fitted.interval(direction)
    low, high = (_chance(ends[0]), _chance(ends[1])) if ends is not None else (None, None)
    return PairScore(first, second, *counts, _chance(float(fitted.scores @ direction)), low, high)


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _judge(name: str, votes: Sequence[Vote]) -> JudgeRecord:
    own = [vote for vote in votes if vote.judge == name]
    chosen = Counter(vote.choice for vote in own)
    decided = chosen["left"] + chosen["right"]
    low, high = wilson_interval(chosen["left"], decided) if decided else (None, None)
    repeated = agreed = 0
    last: dict[frozenset[str], str] = {}
    for vote in own:
        answer = {"left": vote.left.content, "right": vote.right.content, "tie": ""}[vote.choice]
        if vote.pictures in last:
            repeated += 1
            agreed += answer == last[vote.pictures]
        last[vote.pictures] = answer
    return JudgeRecord(
        judge=name,
        votes=len(own),
        left=chosen["left"],
        right=chosen["right"],
        ties=chosen["tie"],
        left_share=chosen["left"] / decided if decided else None,
        left_low=low,
        left_high=high,
        repeated=repeated,
        agreed=agreed,
        seconds=median(vote.seconds for vote in own),
    )


def wilson_interval(hits: int, tries: int) -> Interval:
    """Returns the score interval of a share (Wilson 1927), which keeps its level for few tries and shares near 0 and 1."""
    share, square = hits / tries, _NORMAL**2
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = _NORMAL / (1 + square / tries) * math.sqrt(share * (1 - share) / tries + square / (4 * tries**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _reasons(unbounded: Unbounded, names: Sequence[str]) -> list[str]:
    def said(group: tuple[int, ...]) -> str:
        return ", ".join(names[number] for number in group)

    if unbounded.apart:
        groups = "; ".join(said(group) for group in unbounded.apart)
        return [f"nothing compares these folders with each other: {groups}"]
    won = [f"{said(one)} won every comparison with the other folders: no upper bound" for one in unbounded.above]
    lost = [f"{said(one)} lost every comparison with the other folders: no lower bound" for one in unbounded.below]
    return won + lost


def _notes(judges: Sequence[JudgeRecord], fitted: _Fit | None) -> list[str]:
    notes = []
    for judge in judges:
        if judge.left_low is not None and judge.left_high is not None and not judge.left_low <= 0.5 <= judge.left_high:
            side = "left" if judge.left > judge.right else "right"
            notes.append(f"{judge.judge} prefers what is on the {side}: {max(judge.left, judge.right)} of "
                         f"{judge.left + judge.right} times")  # fmt: skip
    if fitted is not None and not fitted.drawn:
        notes.append(f"no intervals: they need votes on {MIN_PAIRS} different pairs of pictures")
    elif fitted is not None and "judges" not in fitted.resampled:
        notes.append(
            f"the intervals are about other pictures, not about other judges: that takes {MIN_JUDGES} judges, "
            f"not {len(judges)}"
        )
    return notes
