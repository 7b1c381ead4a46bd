"""The content of a reproduction's report, independent of its file formats: sections of text, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.evaluation.estimate import Estimate, Measured, Refused


@dataclass(frozen=True)
class Table:
    """A table of text cells under a header; `note` is printed below."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A sheet of generated paintings: a file beside the report, and its caption."""

    file: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A section: paragraphs, then bullet points, tables and figures, each optional."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Value:
    """One measured value, which is one line of the CSV file.

    Attributes:
        of: the artist of the pictures, or "all".
        checkpoint: original, retrained or real; for a change, from which to which.
        prompts: plain or expanded; "" for real pictures.
        measure: the name of the measure.
        found: the measured value.
        against: the number of real pictures of the comparison.
    """

    of: str
    checkpoint: str
    prompts: str
    measure: str
    found: Measured
    against: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields by name; if the measure was refused, the numbers are None and the note gives the reason."""
        found = self.found
        told: dict[str, Any] = {
            "of": self.of, "checkpoint": self.checkpoint, "prompts": self.prompts, "measure": self.measure,
            "value": None, "low": None, "high": None, "pictures": 0, "against": self.against, "note": "",
        }  # fmt: skip
        if isinstance(found, Refused):
            return {**told, "note": found.reason}
        return {
            **told, "value": found.value, "low": found.low, "high": found.high, "pictures": found.pictures,
            "note": found.note,
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The report of a reproduction.

    Attributes:
        table: the table that the command prints at the end.
        seconds: seconds of each phase, summed over all starts.
        used: name of each used item -> its hash or version.
        settings: settings of the protocol, as plain JSON without any path.
    """

    title: str
    summary: str
    sections: tuple[Section, ...]
    table: Table
    values: tuple[Value, ...]
    seconds: Mapping[str, float]
    used: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as JSON types, for `report.json`."""
        return {
            "title": self.title,
            "summary": self.summary,
            "settings": dict(self.settings),
            "seconds": dict(self.seconds),
            "used": dict(self.used),
            "table": {"header": list(self.table.header), "rows": [list(row) for row in self.table.rows]},
            "values": [value.as_dict() for value in self.values],
        }


def told(found: Measured | None, digits: int = 3) -> str:
    """Formats a measure as a table cell: `12.3 [11.9, 12.8]`, or a dash."""
    if found is None or isinstance(found, Refused):
        return "–"
    value = _short(found.value, digits)
    if found.low is None or found.high is None:
        return value
    return f"{value} [{_short(found.low, digits)}, {_short(found.high, digits)}]"


def percent(found: Measured | None) -> str:
    """Formats a share as a table cell: `43 % [31, 55]`, or a dash."""
    if found is None or isinstance(found, Refused):
        return "–"
    ends = "" if found.low is None or found.high is None else f" [{100 * found.low:.0f}, {100 * found.high:.0f}]"
    return f"{100 * found.value:.0f} %{ends}"


def _short(value: float, digits: int) -> str:
    """Formats a number with `digits` significant digits and without an exponent."""
    if value == 0 or not abs(value) < 1e12:
        return f"{value:g}"
    size = 0
    while abs(value) >= 10 ** (size + 1):
        size += 1
    while size > -8 and abs(value) < 10**size:
        size -= 1
    return f"{value:.{max(0, digits - 1 - size)}f}"


def compared(changes: Sequence[Measured | None], *, better: str, what: str, of: str = "artists") -> str:
    """Returns one sentence on the changes of one measure.

    It states for how many the measure changed in the `better` direction ("falls" or "rises"), and for how many the interval
    excludes chance.
    """
    sure_sign = -1 if better == "falls" else 1
    known = [change for change in changes if isinstance(change, Estimate)]
    if not known:
        return f"{what} could not be measured."
    right = sum(change.value * sure_sign > 0 for change in known)
    beyond = [one for one in known if one.low is not None and one.high is not None and one.low * one.high > 0]
    sure = sum(change.value * sure_sign > 0 for change in beyond)
    against = len(beyond) - sure
    unsure = len(known) - len(beyond)
    words = f"{what} {better} for {right} of {len(known)} {of}"
    more = [f"for {sure} of {len(known)} by more than chance in these pictures may do"]
    if against:
        more.append(f"for {against} it goes the other way by more than that")
    if unsure:
        more.append(f"for {unsure} the interval of the change holds 0, so nothing is shown")
    return f"{words} ({'; '.join(more)})."
