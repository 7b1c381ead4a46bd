"""The controls in a painting's record: picture, map and network of each. It is read back as untrusted input."""

from dataclasses import dataclass
from typing import Any

from impasto.painting.editing.record import SourceNote, read_source
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

LARGEST_WEIGHT = 4.0
MOST_CONTROLS = 8
_LONGEST = 4096
_NUMBERS = (("weight", LARGEST_WEIGHT), ("start", 1.0), ("until", 1.0))


@dataclass(frozen=True)
class ControlNote:
    """One control of a painting.

    Attributes:
        condition: the maker of the map with its settings, as `impasto control map` takes it; "map" for a map itself.
        source: the picture.
        net: the path of the network, as it was given; "" for the checkpoint's own.
        net_hash: SHA-256 of its files, hexadecimal.
        weight: 0 .. 4.
        start, until: the shares of the steps between which it acted.
        guess: whether it acted on the condition alone.
    """

    condition: str
    source: SourceNote
    net: str
    net_hash: str
    weight: float
    start: float
    until: float
    guess: bool

    def __str__(self) -> str:
        words = [f"{self.condition} of {self.source}", f"network {self.net or 'of the checkpoint'} ({self.net_hash[:12]})"]
        words.append(f"weight {self.weight:g}")
        if (self.start, self.until) != (0.0, 1.0):
            words.append(f"steps {self.start:g} to {self.until:g}")
        return ", ".join([*words, *(["guess"] if self.guess else [])])

    def deciding(self) -> dict[str, Any]:
        """Returns the values that determine the picture."""
        return {
            "condition": self.condition, "source": self.source.content_hash, "net": self.net_hash, "weight": self.weight,
            "start": self.start, "until": self.until, "guess": self.guess,
        }  # fmt: skip


def read_controls(value: Any) -> tuple[ControlNote, ...] | None:
    """Reads the field `controls` of a record; None without controls.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if isinstance(value, list) and 0 < len(value) <= MOST_CONTROLS:
        try:
            return tuple(_note(row) for row in value)
        except (TypeError, KeyError, AttributeError, ValueError):
            pass
    raise RecordError("its impasto record has no valid 'controls'")


def _note(row: Any) -> ControlNote:
    source = read_source(row["source"])
    texts = [row[name] for name in ("condition", "net", "net_hash")]
    if not all(isinstance(text, str) and text.isprintable() and len(text) <= _LONGEST for text in texts):
        raise ValueError
    if not isinstance(row["guess"], bool):
        raise ValueError
    weight, start, until = (_share(row[name], most) for name, most in _NUMBERS)
    return ControlNote(texts[0], source, texts[1], texts[2], weight, start, until, row["guess"])


def _share(value: Any, most: float) -> float:
    number = None if isinstance(value, str) else real_number(value)
    if number is None or not 0 <= number <= most:
        raise ValueError
    return number
