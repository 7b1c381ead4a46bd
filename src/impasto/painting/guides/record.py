"""The guides in a painting's record: what its steps were led by, besides the prompt. It is read back as untrusted input."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

SCORER, CLASSIFIER = "scorer", "classifier"
MOST_GUIDES, MOST_CUTOUTS, LARGEST_WEIGHT = 8, 128, 1e6
_LONGEST = 4096


@dataclass(frozen=True)
class GuideNote:
    """One guide of a painting.

    Attributes:
        kind: "scorer" or "classifier".
        model: its path, as it was given; "" for the built-in scorer.
        model_hash: SHA-256 of its files, hexadecimal.
        weight: what its gradient is multiplied with, 0 or more.
        label: the classifier's label; "" for the artist or the style of the painting's own condition.
        start, until: the shares of the steps between which it acted.
        cutouts: how many cut-outs the scorer saw in each step.
        smooth, range: weights of the total variation and of the range loss.
        limit: the largest root mean square of the gradient, as it changes the predicted noise.
    """

    kind: str
    model: str
    model_hash: str
    weight: float
    label: str = ""
    start: float = 0.0
    until: float = 1.0
    cutouts: int = 0
    smooth: float = 0.0
    range: float = 0.0
    limit: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.kind} {self.model or 'pocket'} ({self.model_hash[:12]})", *([self.label] if self.label else [])]
        words.append(f"weight {self.weight:g}")
        if (self.start, self.until) != (0.0, 1.0):
            words.append(f"steps {self.start:g} to {self.until:g}")
        words += [f"{self.cutouts} cut-outs"] if self.kind == SCORER else []
        words += [f"{name} {value:g}" for name in ("smooth", "range", "limit") if (value := getattr(self, name))]
        return ", ".join(words)

    def deciding(self) -> dict[str, Any]:
        """Returns the values that determine the picture."""
        return {name: value for name, value in asdict(self).items() if name != "model"}


def read_guides(value: Any) -> tuple[GuideNote, ...] | None:
    """Reads the field `guides` of a record; None without guides.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, list) and 0 < len(value) <= MOST_GUIDES:
        try:
            return tuple(_note(row) for row in value)
        except (TypeError, KeyError, AttributeError, ValueError):
            pass
    raise RecordError("its impasto record has no valid 'guides'")


def _note(row: Any) -> GuideNote:
    values: dict[str, Any] = {}
    for one in fields(GuideNote):
        value = row[one.name]
        if one.type in (str, "str"):
            if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
                raise ValueError
            values[one.name] = value
            continue
        number = None if isinstance(value, str) else real_number(value)
        if number is None or not 0 <= number <= LARGEST_WEIGHT:
            raise ValueError
        values[one.name] = int(number) if one.name == "cutouts" else number
    if values["kind"] not in (SCORER, CLASSIFIER) or values["cutouts"] > MOST_CUTOUTS:
        raise ValueError
    if max(values["start"], values["until"]) > 1:
        raise ValueError
    return GuideNote(**values)
