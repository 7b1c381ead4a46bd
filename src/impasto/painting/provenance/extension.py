"""The extension in a painting's record: which of the extended prompts was painted. It is read back as untrusted input."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

if TYPE_CHECKING:
    from impasto.prompts.expansion.choices import ExpansionChoices
    from impasto.prompts.expansion.pipeline import Expansion

_MOST = 1_000_000  # ranks and numbers of extensions
_MOST_TERMS = 16
_LONGEST = 300  # letters of a method, a source, a name
_SEEDS = 2**63


@dataclass(frozen=True)
class ExtensionNote:
    """Where an extended prompt comes from (wu2022, section 3; wang2023, section 3.3). The text itself is the record's
    `expansion`.

    Attributes:
        method: of the expansion: "wu2022" or "wang2023".
        rank: its rank by score, from 1, the best.
        found: how many extensions were found and ranked.
        score: w(v) of equation 20.
        components: the weighted terms of the score, by name.
        source: what proposed it: "handbook: Shanghai", "continuation: t5-base".
        seed: of the language models' sampling.
        knowledge: the index that was searched besides the handbook, the prompt model, and the settings that are not the
            usual ones, by name; "" if there are none.
    """

    method: str
    rank: int
    found: int
    score: float
    components: tuple[tuple[str, float], ...] = ()
    source: str = ""
    seed: int = 0
    knowledge: str = ""

    @classmethod
    def of(cls, expansion: "Expansion", rank: int, found: int, choices: "ExpansionChoices") -> "ExtensionNote":
        """Returns the note of the expansion with this rank among all that were found by these choices."""
        return cls(
            choices.method, rank, found, round(expansion.score, 6),
            tuple((name, round(value, 6)) for name, value in expansion.components.items()),
            _short(expansion.source), choices.seed, _short(choices.named_parts),
        )  # fmt: skip

    def __str__(self) -> str:
        terms = ", ".join(f"{name} {value:.3f}" for name, value in self.components)
        source = f", from {self.source}" if self.source else ""
        with_what = f", with {self.knowledge}" if self.knowledge else ""
        seed = f", seed {self.seed}" if self.seed else ""
        told = f" ({terms})" if terms else ""
        return f"rank {self.rank} of {self.found} by {self.method}, score {self.score:.3f}{told}{source}{with_what}{seed}"


def read_extension(value: Any) -> ExtensionNote | None:
    """Reads the field `extension` of a record; None if the prompt was not expanded, or by an older version.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        texts = [_text(value.get(name)) for name in ("method", "source", "knowledge")]
        wholes = [_whole(value.get("rank"), _MOST), _whole(value.get("found"), _MOST), _whole(value.get("seed"), _SEEDS)]
        score, components = _real(value.get("score")), _terms(value.get("components"))
        if None not in texts and None not in wholes and score is not None and components is not None:
            method, source, knowledge = (str(text) for text in texts)
            rank, found, seed = (int(number or 0) for number in wholes)
            return ExtensionNote(method, rank, found, score, components, source, seed, knowledge)
    raise RecordError("its impasto record has no valid 'extension'")


def _short(text: str) -> str:
    """The text as `_text` accepts it."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _LONGEST and (value == "" or value.isprintable()) else None


def _whole(value: Any, most: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most else None


def _real(value: Any) -> float | None:
    return None if isinstance(value, str) else real_number(value)


def _terms(value: Any) -> tuple[tuple[str, float], ...] | None:
    if not isinstance(value, list | tuple) or len(value) > _MOST_TERMS:
        return None
    found = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return None
        name, number = _text(pair[0]), _real(pair[1])
        if name is None or number is None:
            return None
        found.append((name, number))
    return tuple(found)
