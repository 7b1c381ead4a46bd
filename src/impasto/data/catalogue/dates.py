"""Parses the year from a date in words; for a range, a decade or a century the first year is taken.

"c. 1889" is 1889, "1887-88" is 1887, "early 1900s" is 1900, "16th century" is 1501, "second half of XVII century" is 1651;
"early", "mid" and "late" are a century's thirds.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

EARLIEST = -3000
_UNDATED = frozenset(
    {"", "?", "-", "n.d", "n.d.", "nd", "n/a", "na", "nan", "none", "null", "undated", "unknown", "no date", "s.d."}
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,5}(\.0+)?")  # a table writes "1889.0" if the column has gaps
_BEFORE_CHRIST = re.compile(r"(?i)(?<!\d)(\d{1,4})\s*(bce?\b|b\.\s?c\.)")
_YEAR = re.compile(r"(?<![\d_])(?<!\d\.)(\d{4})(?=$|[^\d_])(?!\.\d)")
_SHORT_YEAR = re.compile(r"(?i)(?:c|ca|circa|about)?\.?\s*([1-9]\d{2})\s*(?:ad|ce|\?)?")
_CENTURY = re.compile(
    r"(?i)\b(\d{1,2}(?=(?:st|nd|rd|th)\b)|[ivx]+(?=(?:th)?\b))(?:st|nd|rd|th)?"
    r"(?:\s*(?:-|–|/|to|or|and)\s*[\divx]+(?:st|nd|rd|th)?)?"  # the second century in "17th-18th century"
    r"[\s.-]*c(?:ent(?:ury|uries|\.|\b)|\.|$)"
)
_PARTS = (
    (re.compile(r"(?i)\b(second|2nd|latter) half\b"), 50),
    (re.compile(r"(?i)\b(second|2nd) quarter\b"), 25),
    (re.compile(r"(?i)\b(third|3rd) quarter\b"), 50),
    (re.compile(r"(?i)\b(fourth|4th|last) quarter\b"), 75),
    (re.compile(r"(?i)\bmid(dle)?\b"), 33),
    (re.compile(r"(?i)\blate\b"), 66),
)
_ROMAN = {"i": 1, "v": 5, "x": 10}


@dataclass(frozen=True)
class PaintingDate:
    """A year, or None if it is unknown. `understood` is false if the date was not empty but could not be parsed."""

    year: int | None
    understood: bool = True


def read_date(value: Any) -> PaintingDate:
    """Parses a catalogue's `year` or `date`, a number or words; years before Christ are negative.

    Years from `EARLIEST` to next year are valid. "n.d." and an empty value count as understood, without a year.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        return PaintingDate(None, understood=False)
    text = "" if value is None else " ".join(str(value).split())
    if text.lower() in _UNDATED:
        return PaintingDate(None)
    year = _year_of(text)
    if year is None or not EARLIEST <= year <= date.today().year + 1:
        return PaintingDate(None, understood=False)
    return PaintingDate(year)


def _year_of(text: str) -> int | None:
    if _WHOLE.fullmatch(text):
        return int(text.partition(".")[0])
    if before := _BEFORE_CHRIST.search(text):
        return -int(before[1])
    if found := _YEAR.search(text):
        return int(found[1])
    if short := _SHORT_YEAR.fullmatch(text):
        return int(short[1])
    if (century := _CENTURY.search(text)) and (number := _century(century[1].lower())):
        later = next((years for part, years in _PARTS if part.search(text)), 0)
        return 100 * (number - 1) + 1 + later
    return None


def _century(words: str) -> int | None:
    """Converts "16" or "xvi" to 16. Returns None for numbers outside 1..21."""
    if words.isdigit():
        number = int(words)
    else:
        values = [_ROMAN[letter] for letter in words]
        number = sum(-v if v < max(values[place:]) else v for place, v in enumerate(values))
    return number if 1 <= number <= 21 else None
