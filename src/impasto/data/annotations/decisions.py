"""What a person's decisions about pictures come to: the review log, replayed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from impasto.data.catalogue.plain_text import cleaned

MAX_TEXT = 2000
_Decision = tuple[tuple[str, str], str, str]  # (file name, content), decision, text


@dataclass(frozen=True)
class ReviewOutcome:
    """What a person's decisions about a picture come to, less those undone.

    Attributes:
        rejected: the last decision is a rejection.
        edited: the caption that the person wrote, or "".
        accepted: the caption that the person saw and accepted, or "".
    """

    rejected: bool = False
    edited: str = ""
    accepted: str = ""


class Decisions:
    """The decisions that stand, in the order in which they were taken. An undo takes back the last one about the same
    content of the same picture.
    """

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self._standing: list[_Decision] = []
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """One row of the review log; what is no decision is passed over."""
        key, decision, text = (row["file_name"], row["content"]), row.get("decision"), annotated_text(row.get("text"))
        if decision == "undo":
            places = (n for n in range(len(self._standing) - 1, -1, -1) if self._standing[n][0] == key)
            place = next(places, None)
            if place is not None:
                del self._standing[place]
        elif decision in ("accept", "reject") or (decision == "edit" and text):
            self._standing.append((key, decision, text))

    def last(self) -> tuple[str, str] | None:
        """(file name, content) of the last decision that stands."""
        return self._standing[-1][0] if self._standing else None

    def verdict(self, file_name: str, content: str) -> ReviewOutcome | None:
        """What stands about one picture, or None."""
        key = (file_name, content)
        return _combined([row for row in self._standing if row[0] == key]).get(key)

    def verdicts(self) -> dict[tuple[str, str], ReviewOutcome]:
        """(file name, content) -> what stands about it."""
        return _combined(self._standing)


def _combined(decisions: Iterable[_Decision]) -> dict[tuple[str, str], ReviewOutcome]:
    found: dict[tuple[str, str], ReviewOutcome] = {}
    for key, decision, text in decisions:
        before = found.get(key, ReviewOutcome())
        found[key] = ReviewOutcome(
            rejected=decision == "reject",
            edited=text if decision == "edit" else before.edited,
            accepted=text if decision == "accept" else before.accepted,
        )
    return found


def annotated_text(value: object) -> str:
    """A text out of a log, on one line; what is no text or longer than a caption may be is ""."""
    text = cleaned(value).strip() if isinstance(value, str) else ""
    return text if len(text) <= MAX_TEXT else ""
