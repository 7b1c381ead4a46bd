"""Review sessions: a human reviewer accepts, edits or rejects captions, one picture at a time.

The module does not use the terminal, so any front end can use it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT, Decisions, ReviewOutcome, annotated_text
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.merged import Annotations
from impasto.data.annotations.review_queue import Only, Order, Waiting, first_of, is_chosen, ordered
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import catalogue_parts
from impasto.errors import ImpastoError, UsageError


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
        home: the folder whose logs have the picture's annotations.
    """

    entry: CatalogueEntry
    content: str
    caption: str
    similarity: float | None
    tags: tuple[str, ...]
    dropped: str
    verdict: ReviewOutcome | None
    home: Path


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
    similarity last. Of shards a session shows up to `MOST_WAITING` pictures, those that come first.

    Attributes:
        current: the picture to decide about now, None at the end.
        waiting: the number of pictures left, including the current one.
        count: the decisions of this session.
        report: the pictures that cannot be shown, with reasons.

    Raises:
        ImpastoError: the catalogue or its logs cannot be read.
    """

    def __init__(self, catalogue: Path, *, order: Order = "similarity", only: Only = "unreviewed", seed: int = 0) -> None:
        self._made: list[str] = []  # this session's own decisions, for the count
        self._logs: dict[Path, _ReviewLog] = {}
        self._shown: dict[tuple[Path, str], Waiting] = {}
        self.report = CatalogueReport()
        self.count = ReviewCount()
        queue, found = list[Waiting](), 0
        for part in catalogue_parts(catalogue, check_images=False, annotations=False):
            annotations, log = Annotations(part.home), _ReviewLog(part.home)
            if log.decisions.last() is not None:
                self._logs[part.home] = log
            part.report.warnings += annotations.warnings(part.home)
            self.report.add(part.report)
            known = zip(part.entries, annotations.of(part.entries), strict=True)
            chosen = [
                Waiting(entry, part.home, said.similarity_of(said.caption_of(entry)))
                for entry, said in known
                if is_chosen(entry, said, only)
            ]
            found += len(chosen)
            if part.home == part.folder:
                queue = ordered(chosen, order, seed)
                self._annotations = {part.home: annotations}
                self._shown = {(part.home, entry.file_name): Waiting(entry, part.home, None) for entry in part.entries}
            else:
                queue = first_of([*queue, *chosen], order, seed)
                self._annotations = {}
        if found > len(queue):
            self.report.warnings.append(Skipped(str(catalogue), f"{found - len(queue)} more wait for another session"))
        self._shown |= {one.key: one for one in queue}
        self._queue = [one.key for one in reversed(queue)]  # the next one last
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

        Returns False if there is no decision to undo. A picture of shards about which an earlier session decided is shown by
        the next session.
        """
        home = max(self._logs, key=lambda one: self._logs[one].decisions.last_time, default=None)
        last = None if home is None else self._logs[home].decisions.last()
        if home is None or last is None:
            return False
        name, content = last
        self._write(home, {"file_name": name, "content": content, "decision": "undo"})
        if self._made:
            self.count.add(self._made.pop(), -1)
        if self.current is not None:
            self._queue.append((self.current.home, self.current.entry.file_name))
        if (home, name) in self._shown:
            self._queue = [other for other in self._queue if other != (home, name)] + [(home, name)]
        self._show_next()
        return True

    def _item(self) -> ReviewItem:
        if self.current is None:
            raise UsageError("nothing is left to review")
        return self.current

    def _decide(self, item: ReviewItem, decision: str, text: str = "") -> None:
        row = {"file_name": item.entry.file_name, "content": item.content, "decision": decision}
        self._write(item.home, row | ({"text": text} if text else {}))
        self._made.append(decision)
        self.count.add(decision, 1)
        self._show_next()

    def _write(self, home: Path, row: dict[str, Any]) -> None:
        row["time"] = datetime.now(UTC).isoformat(timespec="microseconds")
        log = self._log(home)
        log.log.append([row])
        log.decisions.add(row)

    def _log(self, home: Path) -> "_ReviewLog":
        if home not in self._logs:
            self._logs[home] = _ReviewLog(home)
        return self._logs[home]

    def _known(self, home: Path) -> Annotations:
        """Returns the annotations of a part; those of one part of shards are in memory at a time."""
        if home not in self._annotations:
            self._annotations = {home: Annotations(home)}
        return self._annotations[home]

    def _show_next(self) -> None:
        self.current = None
        while self._queue and self.current is None:
            waiting = self._shown[self._queue.pop()]
            entry, home = waiting.entry, waiting.home
            try:
                content = content_of(entry.file)
            except ImpastoError as error:
                self.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
                continue
            verdict = self._logs[home].decisions.verdict(entry.file_name, content) if home in self._logs else None
            known = replace(self._known(home).of_one(entry), verdict=verdict)
            caption = known.caption_of(entry)
            self.current = ReviewItem(
                entry=entry,
                content=content,
                caption=caption,
                similarity=known.similarity_of(caption),
                tags=entry.tags or known.tags,
                dropped=known.filter_reason(entry),
                verdict=verdict,
                home=home,
            )


class _ReviewLog:
    """The review log of a catalogue or of a part, and the decisions in force."""

    def __init__(self, home: Path) -> None:
        self.log = AnnotationLog(home, "review")
        self.decisions = Decisions(self.log.rows())
