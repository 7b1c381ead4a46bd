"""Chooses the next pair of pictures: with the same prompt if possible, from the least compared folders first."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from impasto.evaluation.preference.contestants import Contestant, Picture
from impasto.evaluation.preference.votes import Shown, Vote

REPEATED = 0.1  # share of pairs that are shown to a judge again, with the sides swapped
REPEATED_AFTER = 8  # number of other pairs that are judged before a pair is repeated
_DRAWS = 64  # number of random pairs, from which the least seen one is chosen

_Side = tuple[str, Picture]  # a folder's label and one of its pictures
# Criteria for matching pictures, finest first; the finest one counts. Paintings from the same noise differ only by their
# model.
_GROUNDS: tuple[tuple[str, Callable[[Picture], tuple[str, ...] | None]], ...] = (
    ("prompt, artist and seed", lambda p: None if p.seed is None else (_plain(p.prompt), _plain(p.artist), str(p.seed))),
    ("prompt and artist", lambda p: (_plain(p.prompt), _plain(p.artist))),
    ("prompt and seed", lambda p: None if p.seed is None else (_plain(p.prompt), str(p.seed))),
    ("prompt", lambda p: (_plain(p.prompt),)),
)


@dataclass(frozen=True)
class PicturePair:
    """Two pictures of two folders, on the sides where they are shown; `match` as in `Vote`."""

    left: _Side
    right: _Side
    match: str = ""

    @property
    def pictures(self) -> frozenset[str]:
        """The content hashes of both pictures."""
        return frozenset((self.left[1].content, self.right[1].content))

    @property
    def folders(self) -> frozenset[str]:
        """The labels of both folders."""
        return frozenset((self.left[0], self.right[0]))

    def swapped(self) -> "PicturePair":
        """Returns the same pair with its sides swapped."""
        return PicturePair(self.right, self.left, self.match)


@dataclass(frozen=True)
class Matching:
    """The pairs of two folders.

    Attributes:
        first, second: the folders.
        ground: what the pictures of a pair have in common, in words; "" if pairs are drawn at random.
        pairs: all pairs; empty if pairs are drawn at random.
        alone: number of pictures of both folders that have no partner and are never shown.
    """

    first: Contestant
    second: Contestant
    ground: str
    pairs: tuple[PicturePair, ...]
    alone: int = 0

    def candidates(self, rng: random.Random) -> Sequence[PicturePair]:
        """Returns all pairs, or pairs drawn at random."""
        if self.pairs:
            return self.pairs
        ours, theirs = self.first, self.second
        if len(ours.pictures) * len(theirs.pictures) <= _DRAWS:
            return [PicturePair((ours.label, a), (theirs.label, b)) for a, b in product(ours.pictures, theirs.pictures)]
        return [
            PicturePair((ours.label, rng.choice(ours.pictures)), (theirs.label, rng.choice(theirs.pictures)))
            for _ in range(_DRAWS)
        ]


def match_folders(contestants: Sequence[Contestant]) -> list[Matching]:
    """Returns the pairs of every two folders. Two folders without a common prompt are paired at random."""
    return [_match(first, second) for first, second in combinations(contestants, 2)]


def choose_pair(
    matchings: Sequence[Matching],
    votes: Sequence[Vote],
    judge: str,
    rng: random.Random,
    *,
    waiting: Sequence[PicturePair] = (),
    unusable: Collection[frozenset[str]] = (),
) -> PicturePair | None:
    """Returns the next pair for a judge, or None if no pair is left that can be shown.

    Chooses the least compared folders first, and of their pairs the one that this judge, then all judges, saw least. Sides
    are random, and swapped when a judge sees a pair again. A tenth of all pairs is shown again, to measure how consistent
    the judge is.

    Args:
        votes: the valid votes of all judges on this question, oldest first.
        waiting: pairs that are already sent to the judge; they count as seen.
        unusable: content hashes of pairs, and of single pictures, that cannot be shown.
    """
    own = [vote for vote in votes if vote.judge == judge]
    if rng.random() < REPEATED and (again := _seen_before(matchings, own, waiting, unusable, rng)) is not None:
        return again
    compared = Counter(vote.folders for vote in votes) + Counter(pair.folders for pair in waiting)
    by_judge = Counter(vote.pictures for vote in own) + Counter(pair.pictures for pair in waiting)
    by_all = Counter(vote.pictures for vote in votes)
    appeared = Counter(content for one in (*own, *waiting) for content in one.pictures)
    order = sorted(matchings, key=lambda m: (compared[frozenset((m.first.label, m.second.label))], rng.random()))
    for matching in order:
        usable = [pair for pair in matching.candidates(rng) if _is_usable(pair.pictures, unusable)]
        if usable:
            best = min(
                usable,
                key=lambda pair: (
                    by_judge[pair.pictures],
                    by_all[pair.pictures],
                    sum(appeared[content] for content in pair.pictures),
                    rng.random(),
                ),
            )
            return _sided(best, own, rng)
    return None


def pair_of(vote: Vote, contestants: Sequence[Contestant]) -> PicturePair | None:
    """Returns the pair of a vote, as it was shown; None if one of its pictures no longer exists."""
    left, right = _find(vote.left, contestants), _find(vote.right, contestants)
    return PicturePair(left, right, vote.match) if left is not None and right is not None else None


def _seen_before(
    matchings: Sequence[Matching],
    own: Sequence[Vote],
    waiting: Sequence[PicturePair],
    unusable: Collection[frozenset[str]],
    rng: random.Random,
) -> PicturePair | None:
    """A pair that the judge saw once, some votes ago, with its sides swapped."""
    seen = Counter(vote.pictures for vote in own) + Counter(pair.pictures for pair in waiting)
    old = [vote for vote in own[:-REPEATED_AFTER] if seen[vote.pictures] == 1 and _is_usable(vote.pictures, unusable)]
    rng.shuffle(old)
    contestants = list({one.label: one for matching in matchings for one in (matching.first, matching.second)}.values())
    pairs = (pair_of(vote, contestants) for vote in old)
    found = next((pair for pair in pairs if pair is not None), None)
    return found.swapped() if found is not None else None


def _sided(pair: PicturePair, own: Sequence[Vote], rng: random.Random) -> PicturePair:
    last = next((vote for vote in reversed(own) if vote.pictures == pair.pictures), None)
    if last is None:
        return pair if rng.random() < 0.5 else pair.swapped()
    return pair.swapped() if last.left.content == pair.left[1].content else pair


def _match(first: Contestant, second: Contestant) -> Matching:
    pairs: dict[frozenset[str], PicturePair] = {}
    grounds: set[int] = set()
    for ours, theirs in ((first, second), (second, first)):
        for picture, level, key, partners in _partners(ours, theirs):
            grounds.add(level)
            for partner in partners:
                sides = (ours.label, picture), (theirs.label, partner)
                pair = PicturePair(*sides, hashlib.sha256("\0".join(key).encode()).hexdigest()[:16])
                pairs.setdefault(pair.pictures, pair)
    if not pairs:
        return Matching(first, second, "", ())
    shown = {side for pair in pairs.values() for side in (pair.left, pair.right)}
    alone = len(first.pictures) + len(second.pictures) - len(shown)
    ground = " or ".join(_GROUNDS[level][0] for level in sorted(grounds))
    return Matching(first, second, ground, tuple(pairs.values()), alone)


def _partners(ours: Contestant, theirs: Contestant) -> Iterator[tuple[Picture, int, tuple[str, ...], list[Picture]]]:
    """Yields (picture, index of the finest matching criterion, the common values, all partners) of each matched picture."""
    known: list[dict[tuple[str, ...], list[Picture]]] = [{} for _ in _GROUNDS]
    for other in theirs.pictures:
        for level, (_, ground) in enumerate(_GROUNDS):
            if other.prompt and (key := ground(other)) is not None:
                known[level].setdefault(key, []).append(other)
    for picture in ours.pictures:
        for level, (_, ground) in enumerate(_GROUNDS):
            key = ground(picture) if picture.prompt else None
            if key is not None and key in known[level]:
                yield picture, level, key, known[level][key]
                break


def _find(shown: Shown, contestants: Sequence[Contestant]) -> _Side | None:
    pictures = (one.pictures for one in contestants if one.label == shown.folder)
    found = next((picture for all_ in pictures for picture in all_ if picture.content == shown.content), None)
    return (shown.folder, found) if found is not None else None


def _is_usable(pictures: frozenset[str], unusable: Collection[frozenset[str]]) -> bool:
    """Whether these are two different pictures, and neither each alone nor the pair is unusable."""
    alone = any(frozenset((content,)) in unusable for content in pictures)
    return len(pictures) == 2 and pictures not in unusable and not alone


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
