"""Review sessions: a human reviewer accepts, edits or rejects captions, one picture at a time.

The module does not use the terminal, so any front end can use it.
"""

import math
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from impasto.data.annotations.decisions import MAX_TEXT, Decisions, ReviewOutcome, annotated_text
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.merged import Annotation, Annotations
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, UsageError

Order = Literal["similarity", "name", "random"]
Only = Literal["unreviewed", "filtered", "all"]


@dataclass(frozen=True)
class ReviewItem:
    """A picture under review.

    Attributes:
        content: the hash of the picture shown; the decision applies to this content.
        caption: the caption in force.
        similarity: similarity of caption and picture, -1..1, or None if it was not computed.
        tags: the tags of the metadata, else the tagger's.
        dropped: the reason why the filter drops the pair, or "".
        verdict: the outcome of earlier decisions, or None.
    """

    entry: CatalogueEntry
    content: str
    caption: str
    similarity: float | None
    tags: tuple[str, ...]
    dropped: str
    verdict: ReviewOutcome | None


@dataclass
class ReviewCount:
    """Counts the decisions of a session, without those undone."""

    accepted: int = 0
    edited: int = 0
    rejected: int = 0

    def add(self, decision: str, number: int) -> None:
        if decision == "accept":
            self.accepted += number
        elif decision == "edit":
            self.edited += number
        else:
            self.rejected += number


class ReviewSession:
    """Presents the pictures to review, one after the other, and appends every decision to the review log at once.

    `only` selects the pictures: `unreviewed` (neither decided about nor dropped by the filter), `filtered` (dropped by the
    filter, not decided about) or `all`. With the order `similarity` the least similar pictures come first, those without a
    similarity last.

    Attributes:
        current: the picture to decide about now, None at the end.
        waiting: the number of pictures left, including the current one.
        count: the decisions of this session.
        report: the pictures that cannot be shown, with reasons.

    Raises:
        ImpastoError: the catalogue or its logs cannot be read.
    """

    def __init__(self, catalogue: Path, *, order: Order = "similarity", only: Only = "unreviewed", seed: int = 0) -> None:
        self._log = AnnotationLog(catalogue, "review")
        self._decisions = Decisions(self._log.rows())
        self._made: list[str] = []  # this session's own decisions, for the count
        found = read_catalogue(catalogue, check_images=False, annotations=False)
        self._annotations = Annotations(catalogue)
        self.report: CatalogueReport = found.report
        self.report.warnings += self._annotations.warnings(catalogue)
        self.count = ReviewCount()
        self._entries = {entry.file_name: entry for entry in found.entries}
        known = zip(found.entries, self._annotations.of(found.entries), strict=True)
        chosen = [(entry, said) for entry, said in known if _is_chosen(entry, said, only)]
        self._queue = _ordered(chosen, order, seed)[::-1]  # the next one last
        self.current: ReviewItem | None = None
        self._show_next()

    @property
    def waiting(self) -> int:
        return len(self._queue) + (self.current is not None)

    def accept(self) -> None:
        """Accepts the picture with its caption."""
        item = self._item()
        self._decide(item, "accept", item.caption)

    def edit(self, text: str) -> None:
        """Accepts the picture with this caption in place of the present one.

        Raises:
            UsageError: the text is empty or too long.
        """
        cleaned = annotated_text(text)
        if not cleaned:
            problem = f"longer than {MAX_TEXT} characters" if text.strip() else "empty"
            raise UsageError(f"the caption is {problem}")
        self._decide(self._item(), "edit", cleaned)

    def reject(self) -> None:
        """Rejects the picture: it will not be used."""
        self._decide(self._item(), "reject")

    def skip(self) -> None:
        """Leaves the picture undecided; another session shows it again."""
        self._item()
        self._show_next()

    def undo(self) -> bool:
        """Undoes the last decision in force, also one of an earlier session, and shows its picture again.

        Returns False if there is no decision to undo.
        """
        last = self._decisions.last()
        if last is None:
            return False
        name, content = last
        self._write({"file_name": name, "content": content, "decision": "undo"})
        if self._made:
            self.count.add(self._made.pop(), -1)
        if self.current is not None:
            self._queue.append(self.current.entry.file_name)
        if name in self._entries:
            self._queue = [other for other in self._queue if other != name] + [name]
        self._show_next()
        return True

    def _item(self) -> ReviewItem:
        if self.current is None:
            raise UsageError("nothing is left to review")
        return self.current

    def _decide(self, item: ReviewItem, decision: str, text: str = "") -> None:
        row = {"file_name": item.entry.file_name, "content": item.content, "decision": decision}
        self._write(row | ({"text": text} if text else {}))
        self._made.append(decision)
        self.count.add(decision, 1)
        self._show_next()

    def _write(self, row: dict[str, Any]) -> None:
        row["time"] = datetime.now(UTC).isoformat(timespec="seconds")
        self._log.append([row])
        self._decisions.add(row)

    def _show_next(self) -> None:
        self.current = None
        while self._queue and self.current is None:
            entry = self._entries[self._queue.pop()]
            try:
                content = content_of(entry.file)
            except ImpastoError as error:
                self.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
                continue
            verdict = self._decisions.verdict(entry.file_name, content)
            known = replace(self._annotations.of_one(entry), verdict=verdict)
            caption = known.caption_of(entry)
            self.current = ReviewItem(
                entry=entry,
                content=content,
                caption=caption,
                similarity=known.similarity_of(caption),
                tags=entry.tags or known.tags,
                dropped=known.filter_reason(entry),
                verdict=verdict,
            )


def _is_chosen(entry: CatalogueEntry, known: Annotation, only: Only) -> bool:
    if only == "all":
        return True
    dropped = bool(known.reason_against(entry))
    return known.verdict is None and dropped == (only == "filtered")


def _ordered(chosen: list[tuple[CatalogueEntry, Annotation]], order: Order, seed: int) -> list[str]:
    names = sorted(entry.file_name for entry, _ in chosen)
    if order == "name":
        return names
    if order == "random":
        return random.Random(seed).sample(names, len(names))
    similarity = {entry.file_name: said.similarity_of(said.caption_of(entry)) for entry, said in chosen}
    return sorted(names, key=lambda name: math.inf if (worth := similarity[name]) is None else worth)
