"""The choice among several paintings of one request in a painting's record. It is read back as untrusted input."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

MOST_TRIED = 100
_LONGEST = 300  # letters of a scorer's name
_SEEDS = 2**63


@dataclass(frozen=True)
class Tried:
    """One of the paintings among which was chosen.

    Attributes:
        seed: its seed.
        score: the sum of the similarities that follow.
        prompt: the scorer's similarity to the prompt, -1 .. 1; None if the request has no prompt.
        artist: the scorer's similarity to the artist's name, -1 .. 1; None if the request names no artist.
    """

    seed: int
    score: float
    prompt: float | None = None
    artist: float | None = None


@dataclass(frozen=True)
class BestOf:
    """The paintings of one request with different seeds, and their scores.

    Attributes:
        scorer: the name of the scorer that ranked them.
        identity: the hash of its weights.
        tried: all of them, in the order of their seeds.
    """

    scorer: str
    identity: str
    tried: tuple[Tried, ...]

    def rank(self, seed: int) -> int:
        """Returns the rank by score of the painting with this seed, from 1, the best; 0 if it is not among them.

        Of equal scores, the one that was tried first ranks first.
        """
        ranked = sorted(self.tried, key=lambda one: -one.score)
        return next((place for place, one in enumerate(ranked, start=1) if one.seed == seed), 0)

    def __str__(self) -> str:
        scores = ", ".join(f"seed {one.seed}: {one.score:.3f}" for one in sorted(self.tried, key=lambda one: -one.score))
        return f"best of {len(self.tried)} by {self.scorer} ({scores})"


def read_best_of(value: Any) -> BestOf | None:
    """Reads the field `best_of` of a record; None if nothing was chosen.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        scorer, identity, tried = value.get("scorer"), value.get("identity"), value.get("tried")
        if _is_name(scorer) and _is_name(identity) and isinstance(tried, list | tuple) and 1 <= len(tried) <= MOST_TRIED:
            return BestOf(str(scorer), str(identity), tuple(map(_tried, tried)))
    raise RecordError("its impasto record has no valid 'best_of'")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and (value == "" or value.isprintable())


def _tried(value: Any) -> Tried:
    if isinstance(value, dict):
        seed = value.get("seed")
        parts = {name: _real(value.get(name)) for name in ("score", "prompt", "artist")}
        given = {name for name in ("prompt", "artist") if value.get(name) is not None}
        score, whole = parts["score"], all(parts[name] is not None for name in given)
        if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < _SEEDS and whole and score is not None:
            return Tried(seed, score, parts["prompt"], parts["artist"])
    raise RecordError("its impasto record has no valid 'best_of'")


def _real(value: Any) -> float | None:
    return None if isinstance(value, str) or value is None else real_number(value)
