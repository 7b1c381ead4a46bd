"""A reproduction's report, told apart from how it is written: sections of words, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.evaluation.estimate import Estimate, Measured, Refused


@dataclass(frozen=True)
class Table:
    """Cells as text under a header; `note` stands below."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A sheet of our own paintings: a file beside the report, and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True)
class Section:
    """Paragraphs, then points, a table and figures, as far as there are any."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Value:
    """One measured number, a line of the CSV.

    Attributes:
        of: whose pictures: an artist, or "all".
        checkpoint: original, retrained or real; a change from one to another says so.
        prompts: plain or expanded; "" for real pictures.
        against: how many real pictures it was compared with.
    """

    of: str
    checkpoint: str
    prompts: str
    measure: str
    found: Measured
    against: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The fields by name; numbers are None where the measure was refused, and the note says why."""
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
    """What a reproduction found.

    Attributes:
        table: what the command prints at the end.
        seconds: of each phase, all starts together.
        used: what was used -> its hash or version.
        settings: of the protocol, as plain JSON without any path.
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
        """All JSON types, for `report.json`."""
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
    """A measure as a table's cell: `12.3 [11.9, 12.8]`, or a dash."""
    if found is None or isinstance(found, Refused):
        return "–"
    value = _short(found.value, digits)
    if found.low is None or found.high is None:
        return value
    return f"{value} [{_short(found.low, digits)}, {_short(found.high, digits)}]"


def percent(found: Measured | None) -> str:
    """A share as a table's cell: `43 % [31, 55]`, or a dash."""
    if found is None or isinstance(found, Refused):
        return "–"
    ends = "" if found.low is None or found.high is None else f" [{100 * found.low:.0f}, {100 * found.high:.0f}]"
    return f"{100 * found.value:.0f} %{ends}"


def _short(value: float, digits: int) -> str:
    """Three digits that count, and no exponent."""
    if value == 0 or not abs(value) < 1e12:
        return f"{value:g}"
    size = 0
    while abs(value) >= 10 ** (size + 1):
        size += 1
    while size > -8 and abs(value) < 10**size:
        size -= 1
    return f"{value:.{max(0, digits - 1 - size)}f}"


def compared(changes: Sequence[Measured | None], *, better: str, what: str, of: str = "artists") -> str:
    """One sentence on changes of one measure: for how many it went the `better` way ("falls" or "rises"), and for how many
    the interval leaves chance out.
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
