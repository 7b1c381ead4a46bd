"""The edit of words in a painting's record (prompt-to-prompt). It is read back as untrusted input."""

from dataclasses import dataclass
from typing import Any

from impasto.errors import UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

INVERSIONS = ("fixed", "ddim", "null-text")
LEAST_WEIGHT, MOST_WEIGHT = -2, 10
_MOST_WORDS, _LONGEST = 32, 2000


@dataclass(frozen=True)
class WordsNote:
    """How a painting came from another one by a change of its words.

    Attributes:
        source: the whole text of the source.
        swaps: pairs of words of the source and of the edited text.
        weights: words of the edited text, and what their attention is multiplied with, -2 to 10.
        cross, itself: shares of the steps in which cross-attention and self-attention are the source's.
        local: words of the source and of the edited text outside whose area nothing changes; both "" for everywhere.
        inversion: how a photograph became noise: fixed, ddim or null-text; "" for a painting, whose seed is known.

    Raises:
        UsageError: a share or a weight is out of its range, or there is no such inversion.
    """

    source: str
    swaps: tuple[tuple[str, str], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    cross: float = 0.8
    itself: float = 0.4
    local: tuple[str, str] = ("", "")
    inversion: str = ""

    def __post_init__(self) -> None:
        for name, option in (("cross", "--cross"), ("itself", "--self")):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{option} {getattr(self, name):g}: use 0 to 1, a share of the steps")
        for words, weight in self.weights:
            check_weight(words, weight)
        if self.inversion not in ("", *INVERSIONS):
            raise UsageError(f"--invert {self.inversion}: use {', '.join(INVERSIONS[:-1])} or {INVERSIONS[-1]}")

    def __str__(self) -> str:
        words = [f"of {self.source!r}"]
        words += [f"{old} -> {new}" for old, new in self.swaps]
        words += [f"{name} x {weight:g}" for name, weight in self.weights]
        words.append(f"cross {self.cross:g}, self {self.itself:g}")
        words += [f"only at {' and '.join(filter(None, self.local))}"] if any(self.local) else []
        return ", ".join([*words, *([f"inverted: {self.inversion}"] if self.inversion else [])])


def check_weight(words: str, weight: float) -> None:
    """Checks what the attention of words is multiplied with.

    Raises:
        UsageError: it is not between -2 and 10.
    """
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:  # nan is not, either
        raise UsageError(f"--weight {words}={weight:g}: use {LEAST_WEIGHT} to {MOST_WEIGHT}")


def read_words(value: Any) -> WordsNote | None:
    """Reads the field `words` of a record; None if its words were not edited.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    try:
        swaps, weights, local = (value[name] for name in ("swaps", "weights", "local"))
        if max(len(swaps), len(weights)) > _MOST_WORDS or len(local) != 2:
            raise ValueError
        return WordsNote(
            _text(value["source"]), tuple((_text(old), _text(new)) for old, new in swaps),
            tuple((_text(word), _number(weight)) for word, weight in weights), _number(value["cross"]),
            _number(value["itself"]), (_text(local[0]), _text(local[1])), _text(value["inversion"]),
        )  # fmt: skip
    except (TypeError, KeyError, AttributeError, ValueError, UsageError):
        raise RecordError("its impasto record has no valid 'words'") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise ValueError
    return value


def _number(value: Any) -> float:
    number = None if isinstance(value, str) else real_number(value)
    if number is None:
        raise ValueError
    return number
