"""Merges the annotation logs into one annotation per picture.

Decisions of human reviewers take precedence over those of models. Stale rows are ignored.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.data.annotations.decisions import Decisions, ReviewOutcome, annotated_text
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.errors import ImpastoError

MAX_TAGS = 200
_CHUNK = 32


@dataclass(frozen=True)
class Annotation:
    """The logs' annotations of one picture's present content; a missing annotation is empty or None.

    Attributes:
        tags: the tagger's tags, the most probable first.
        caption: the captioner's caption, written by `captioner`.
        variants: further captions by the same captioner.
        similarity: similarity of the text `compared` and the picture, -1..1, by the scorer with the identity `scorer`.
        dropped: the reason why the filter drops the pair of the picture and the text `filtered`, or "".
        verdict: the outcome of the human review, None before any decision.
    """

    tags: tuple[str, ...] = ()
    caption: str = ""
    captioner: str = ""
    variants: tuple[str, ...] = ()
    similarity: float | None = None
    compared: str = ""
    scorer: str = ""
    dropped: str = ""
    filtered: str | None = None
    verdict: ReviewOutcome | None = None

    def caption_of(self, entry: CatalogueEntry) -> str:
        """Returns the caption in force.

        The first of these that is not empty: the reviewer's edit, the metadata's caption, the caption that the reviewer
        accepted, the captioner's caption.
        """
        verdict = self.verdict or ReviewOutcome()
        return verdict.edited or entry.caption or verdict.accepted or self.caption

    def similarity_of(self, caption: str) -> float | None:
        """Returns the similarity of `caption` and the picture, -1..1, or None if it was not computed."""
        return self.similarity if self.compared == caption else None

    def similarity_by(self, scorer: str, caption: str) -> float | None:
        """Like `similarity_of`, but None if the similarity comes from another scorer than `scorer`."""
        return self.similarity_of(caption) if self.scorer == scorer else None

    def reason_against(self, entry: CatalogueEntry) -> str:
        """Returns the reason why the picture is not used, or "". A reviewer's decision overrides the filter."""
        if self.verdict is not None:
            return "rejected in review" if self.verdict.rejected else ""
        return self.filter_reason(entry)

    def filter_reason(self, entry: CatalogueEntry) -> str:
        """Returns the reason why the filter drops the picture with the caption in force, or ""."""
        return self.dropped if self.filtered in (None, self.caption_of(entry)) else ""


class Annotations:
    """The logs of one catalogue, read once.

    Attributes:
        broken: dict from log file to the number of its lines that could not be read.

    Raises:
        ImpastoError: a log exists but cannot be read.
    """

    def __init__(self, catalogue: Path) -> None:
        logs = {kind: AnnotationLog(catalogue, kind) for kind in ("tags", "captions", "similarity", "filter", "review")}
        self._latest = {kind: log.latest() for kind, log in logs.items() if kind != "review"}
        self._verdicts = Decisions(logs["review"].rows()).verdicts()
        self._named = {name for rows in self._latest.values() for name in rows} | {name for name, _ in self._verdicts}
        self.broken = {log.path: log.broken for log in logs.values() if log.broken}

    def warnings(self, catalogue: Path) -> list[Skipped]:
        """Returns a warning for each log with lines that cannot be read."""
        lines = [(log.relative_to(catalogue).as_posix(), count) for log, count in self.broken.items()]
        return [Skipped(log, f"lines that cannot be read: {count}") for log, count in lines]

    def of(self, entries: Sequence[CatalogueEntry]) -> list[Annotation]:
        """Returns the annotation of each entry; it is empty if no log names the picture or the picture cannot be read."""
        if not self._named:
            return [Annotation()] * len(entries)
        # Threads, for files that must be hashed. Chunks, as most hashes are cached, and a lookup is quicker than a task.
        chunks = [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda chunk: [self.of_one(entry) for entry in chunk], chunks)
            return [known for chunk in found for known in chunk]

    def of_one(self, entry: CatalogueEntry) -> Annotation:
        """Returns the annotation of the present content of one entry's file."""
        name = entry.file_name
        if name not in self._named:
            return Annotation()
        try:
            content = content_of(entry.file)
        except ImpastoError:
            return Annotation()

        def fresh(kind: str) -> dict[str, Any]:
            row = self._latest[kind].get(name, {})
            return row if row.get("content") == content else {}

        likeness, judged, captioned = fresh("similarity"), fresh("filter"), fresh("captions")
        caption = annotated_text(captioned.get("caption"))
        dropped = judged.get("kept") is False
        return Annotation(
            tags=_tags(fresh("tags").get("tags")),
            caption=caption,
            captioner=annotated_text(captioned.get("by")),
            variants=_variants(captioned.get("captions"), caption),
            similarity=_number(likeness.get("similarity")),
            compared=annotated_text(likeness.get("text")),
            scorer=annotated_text(likeness.get("scorer")),
            dropped=(annotated_text(judged.get("reason")) or "dropped by the filter") if dropped else "",
            filtered=annotated_text(judged["text"]) if "text" in judged else None,
            verdict=self._verdicts.get((name, content)),
        )


def merge_annotations(folder: Path, entries: list[CatalogueEntry], report: CatalogueReport) -> list[CatalogueEntry]:
    """Returns the entries with their captions and tags in force.

    Entries that a reviewer rejected or the filter dropped are left out and listed in `report.skipped`. Lines of logs that
    cannot be read are listed in `report.warnings`.

    Raises:
        ImpastoError: a log exists but cannot be read.
    """
    annotations = Annotations(folder)
    report.warnings += annotations.warnings(folder)
    kept = []
    for entry, known in zip(entries, annotations.of(entries), strict=True):
        reason = known.reason_against(entry)
        if reason:
            report.skipped.append(Skipped(entry.file_name, reason))
        else:
            kept.append(annotated(entry, known))
    return kept


def annotated(entry: CatalogueEntry, known: Annotation) -> CatalogueEntry:
    """Returns the entry with the caption in force, and with the tagger's tags if the metadata has none."""
    caption, tags = known.caption_of(entry), entry.tags or known.tags
    if (caption, tags) == (entry.caption, entry.tags):
        return entry
    variants = entry.variants if caption == entry.caption else known.variants if caption == known.caption else ()
    return replace(entry, caption=caption, tags=tags, variants=variants)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _variants(value: object, caption: str) -> tuple[str, ...]:
    texts = (annotated_text(text) for text in value) if isinstance(value, list) else ()
    return tuple(dict.fromkeys(text for text in texts if text and text != caption))


def _tags(value: object) -> tuple[str, ...]:
    """Returns the names in [[name, probability], ...]."""
    rows = value if isinstance(value, list) else []
    names = (annotated_text(row[0]) for row in rows[:MAX_TAGS] if isinstance(row, list) and row)
    return tuple(dict.fromkeys(name for name in names if name))
