"""Votes between two pictures, and the append-only log that stores them.

Each vote is one line. Taking a vote back appends another line with the vote's id. So the log of a killed session, the
concatenated logs of several judges, and a log that is given twice are all read correctly.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from impasto.data.caches.row_log import RowLog
from impasto.data.catalogue.plain_text import unprintable
from impasto.errors import UsageError

Choice = Literal["left", "right", "tie"]
MAX_QUESTION = 300  # characters
MAX_NAME = 1000  # characters of the name of a judge, a folder or a file
_LONGEST = 86400.0  # seconds
# Every line of such a log begins with this: it distinguishes a torn first line from another program's file.
_OPENING = b'{"kind": "'


@dataclass(frozen=True)
class Shown:
    """A picture as it was shown.

    Attributes:
        folder: the label of the picture's folder.
        content: SHA-256, hexadecimal, of its file.
        file_name: the file's path relative to that folder.
    """

    folder: str
    content: str
    file_name: str


@dataclass(frozen=True)
class Vote:
    """One judge's answer about one pair of pictures.

    Attributes:
        id: unique among all votes.
        time: ISO 8601, UTC.
        choice: the side that answers the question, or "tie" if the judge could not decide.
        seconds: time from when both pictures were visible until the answer.
        match: hash of what the two pictures have in common: votes with the same hash are about the same prompt and are
            not independent of each other. "" if the pair was drawn at random.
    """

    id: str
    question: str
    judge: str
    time: str
    left: Shown
    right: Shown
    choice: Choice
    seconds: float
    match: str = ""

    @property
    def left_wins(self) -> float:
        """1 for left, 0 for right, 0.5 for a tie."""
        return {"left": 1.0, "right": 0.0, "tie": 0.5}[self.choice]

    @property
    def pictures(self) -> frozenset[str]:
        """The content hashes of the pair, independent of the sides."""
        return frozenset((self.left.content, self.right.content))

    @property
    def folders(self) -> frozenset[str]:
        """The folder labels of the pair, independent of the sides."""
        return frozenset((self.left.folder, self.right.folder))


class VoteLog(RowLog):
    """The log of votes at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda row: _vote_of(row) is not None or _is_undo(row))

    def add(self, vote: Vote) -> None:
        """Appends a vote; it is on disk when this method returns.

        Raises:
            ImpastoError: the log cannot be written; it is then unchanged.
        """
        self.append([_row(vote)])

    def take_back(self, vote: Vote, time: str) -> None:
        """Appends a line which states that a vote no longer counts.

        Raises:
            ImpastoError: the log cannot be written; it is then unchanged.
        """
        self.append([{"kind": "undo", "vote": vote.id, "judge": vote.judge, "time": time}])

    def votes(self) -> list[Vote]:
        """Returns the valid votes, oldest first.

        Raises:
            ImpastoError: the log cannot be read.
            UsageError: the file is not a log of votes.
        """
        return standing_votes([self])


def standing_votes(logs: list[VoteLog]) -> list[Vote]:
    """Returns the votes of several logs that were not taken back, each once, in the order of the logs.

    Raises:
        ImpastoError: a log cannot be read.
        UsageError: a file is not a log of votes.
    """
    votes: dict[str, Vote] = {}
    undone: set[str] = set()
    for log in logs:
        found = False
        for row in log.rows():
            found = True
            vote = _vote_of(row)
            if vote is None:
                undone.add(row["vote"])
            else:
                votes.setdefault(vote.id, vote)
        foreign = log.torn[: len(_OPENING)] != _OPENING[: len(log.torn)]
        if not found and (log.broken or foreign):
            raise UsageError(f"{log.path} is no log of votes: name another file")
    return [vote for vote in votes.values() if vote.id not in undone]


def _row(vote: Vote) -> dict[str, Any]:
    return {
        "kind": "vote",
        "id": vote.id,
        "question": vote.question,
        "judge": vote.judge,
        "time": vote.time,
        "left": vars(vote.left),
        "right": vars(vote.right),
        "choice": vote.choice,
        "seconds": round(vote.seconds, 3),
        "match": vote.match,
    }


def _vote_of(row: object) -> Vote | None:
    """The vote in a row, or None; the row may be untrusted."""
    if not isinstance(row, dict) or row.get("kind") != "vote":
        return None
    left, right = _shown(row.get("left")), _shown(row.get("right"))
    words = [row.get(name) for name in ("id", "question", "judge", "time", "match")]
    seconds = read_seconds(row.get("seconds"))
    if left is None or right is None or left.folder == right.folder or row.get("choice") not in get_args(Choice):
        return None
    if not all(_is_name(word) for word in words) or not words[0] or seconds is None:
        return None
    identity, question, judge, time, match = cast(list[str], words)
    return Vote(identity, question, judge, time, left, right, cast(Choice, row["choice"]), seconds, match)


def _shown(value: object) -> Shown | None:
    names = [value.get(name) for name in ("folder", "content", "file_name")] if isinstance(value, dict) else []
    return Shown(*cast(list[str], names)) if names and all(_is_name(name) and name for name in names) else None


def _is_undo(row: object) -> bool:
    return isinstance(row, dict) and row.get("kind") == "undo" and _is_name(row.get("vote"))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_NAME and not unprintable(value)


def read_seconds(value: object) -> float | None:
    """Parses an untrusted value as a number of seconds, at most a day; returns None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= _LONGEST else None
