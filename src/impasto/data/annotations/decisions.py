"""Replays the review log to find the human reviewer's current decision about each picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from impasto.data.catalogue.plain_text import cleaned

MAX_TEXT = 2000
_Decision = tuple[tuple[str, str], str, str, str]  # (file name, content), decision, text, time


@dataclass(frozen=True)
class ReviewOutcome:
    """The result of the reviewer's decisions about a picture, without those undone.

    Attributes:
        rejected: the last decision is a rejection.
        edited: the caption that the reviewer wrote, or "".
        accepted: the caption that the reviewer saw and accepted, or "".
    """

    rejected: bool = False
    edited: str = ""
    accepted: str = ""


class Decisions:
    """The decisions in force, in the order in which they were made.

    An undo removes the last decision about the same content of the same picture.
    """

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self._standing: list[_Decision] = []
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """Applies one row of the review log. A row that is not a decision is ignored."""
        key, decision, text = (row["file_name"], row["content"]), row.get("decision"), annotated_text(row.get("text"))
        if decision == "undo":
            places = (n for n in range(len(self._standing) - 1, -1, -1) if self._standing[n][0] == key)
            place = next(places, None)
            if place is not None:
                del self._standing[place]
        elif decision in ("accept", "reject") or (decision == "edit" and text):
            self._standing.append((key, decision, text, str(row.get("time") or "")))

    def last(self) -> tuple[str, str] | None:
        """Returns (file name, content) of the last decision in force, or None."""
        return self._standing[-1][0] if self._standing else None

    @property
    def last_time(self) -> str:
        """When the last decision in force was made, as the log has it (ISO 8601, UTC), or ""."""
        return self._standing[-1][3] if self._standing else ""

    def verdict(self, file_name: str, content: str) -> ReviewOutcome | None:
        """Returns the outcome for one picture, or None if there is no decision about it."""
        key = (file_name, content)
        return _combined([row for row in self._standing if row[0] == key]).get(key)

    def verdicts(self) -> dict[tuple[str, str], ReviewOutcome]:
        """Returns a dict from (file name, content) to the outcome for that picture."""
        return _combined(self._standing)


def _combined(decisions: Iterable[_Decision]) -> dict[tuple[str, str], ReviewOutcome]:
    found: dict[tuple[str, str], ReviewOutcome] = {}
    for key, decision, text, _ in decisions:
        before = found.get(key, ReviewOutcome())
        found[key] = ReviewOutcome(
            rejected=decision == "reject",
            edited=text if decision == "edit" else before.edited,
            accepted=text if decision == "accept" else before.accepted,
        )
    return found


def annotated_text(value: object) -> str:
    """Returns a text from a log on one line; "" if the value is not a text or is longer than a caption may be."""
    text = cleaned(value).strip() if isinstance(value, str) else ""
    return text if len(text) <= MAX_TEXT else ""
