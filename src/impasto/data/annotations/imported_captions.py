"""Merges published captions into a catalogue: each row of a table becomes what a person or a named machine says."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT, annotated_text
from impasto.data.annotations.log import FOLDER, IMPORTED, AnnotationLog, content_of
from impasto.data.annotations.merged import Annotation, Annotations
from impasto.data.catalogue.columns import KEY_COLUMNS, column_of, names_pictures, plain_column, text_variants_of
from impasto.data.catalogue.endings import suffix_of
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.folder_rows import file_name_of
from impasto.data.catalogue.name_matching import NameMatcher
from impasto.data.catalogue.plain_text import cleaned
from impasto.data.catalogue.read import Catalogue, read_catalogue
from impasto.data.catalogue.tables import TABLE_SUFFIXES, rows_of_file
from impasto.data.catalogue.text_files import TextSource
from impasto.errors import ImpastoError, UsageError
from impasto.files import check_file, write_atomically

PERSON = "person"
REPORT = "import-captions.jsonl"
MAX_BY = 80  # characters of a machine's name
_HASH_COLUMNS = ("content", "sha256", "content_hash", "file_hash", "hash")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = f"for a file name (file_name, image, path, {', '.join(KEY_COLUMNS)}, ...) or a SHA-256 ({', '.join(_HASH_COLUMNS)})"
_ONLY_MARKS = re.compile(rb"[\s\x00\xef\xbb\xbf\xff\xfe]*")


@dataclass
class CaptionImport:
    """The result of merging a table of captions.

    Attributes:
        rows: number of rows of the table, also those that cannot be read.
        matched: number of rows whose picture is in the catalogue and that have a caption or tags that are used.
        new: number of pictures with a new or changed caption or tags.
        already: number of pictures that said the same before.
        behind: number of pictures whose metadata has a text, which goes before a machine's caption.
        kept: pictures on which a reviewer of this catalogue decided otherwise; nothing was changed there.
        unmatched: rows that are not used, with the reason; with `matched` these are all rows.
        further: captions of used rows that are not used, with the reason.
        lacking: number of pictures of the catalogue that no row names.
        by: who says it -> number of pictures.
        report: what of catalogue and table could not be read.
    """

    rows: int = 0
    matched: int = 0
    new: int = 0
    already: int = 0
    behind: int = 0
    kept: list[Skipped] = field(default_factory=list)
    unmatched: list[Skipped] = field(default_factory=list)
    further: list[Skipped] = field(default_factory=list)
    lacking: int = 0
    by: dict[str, int] = field(default_factory=dict)
    report: CatalogueReport = field(default_factory=CatalogueReport)


@dataclass
class _Said:
    """What the table says about one picture."""

    entry: CatalogueEntry
    content: str
    by: str
    captions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def import_captions(
    folder: Path,
    table: Path,
    by: str | None = None,
    *,
    replace: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CaptionImport:
    """Merges the captions, and tags if there are any, of `table` (CSV, TSV, JSON, JSON lines, parquet) into a catalogue.

    A row's picture is found by a hash of its content (`content` or `sha256`), else by its file name (see `NameMatcher`): the
    whole path, or the name alone if only one picture has it. A person's caption becomes an edit in the review log and goes
    before every other; a machine's goes into the log of captions, behind the metadata's text. Several rows about one picture
    are several captions. Rows that are not used are named in the result and in `annotations/import-captions.jsonl`.

    Args:
        by: "person", or a machine's name; None for what each row says in its column `reviewed` (a person's decision) or
            `by`, else the table's file name.
        replace: whether a person's captions replace decisions that a reviewer of this catalogue made.
        dry_run: leaves the catalogue unchanged.
        on_progress: called with (done, total).

    Raises:
        UsageError: the table is not there, is empty or has another ending, or `by` is no name.
        MissingPart: the table is parquet, and pyarrow is not installed.
        ImpastoError: the catalogue, a log or the table cannot be read, no row names a picture, or a log cannot be written.
    """
    check_captions(table, by)
    found = read_catalogue(folder, check_images=False, annotations=False)
    outcome = CaptionImport(report=found.report)
    merge = CaptionMerge(found, table.name, by, replace)
    merge.read(table_rows(table, outcome), outcome, on_progress)
    if not outcome.rows:
        raise UsageError(f"{table} has no rows: a row names a picture and has a caption or tags")
    check_matched(folder, table, outcome)
    outcome.lacking = len(found.entries) - len(merge.said)
    rows = merge.rows(outcome)
    if not dry_run:
        rows.write(folder)
        write_unused(folder, table, outcome)
    return outcome


def check_captions(table: Path, by: str | None) -> None:
    """Raises UsageError if `table` or `by` cannot be those of `import_captions`."""
    if by is not None and not 0 < len(annotated_text(by)) <= MAX_BY:
        raise UsageError(f"--by {by[:MAX_BY]!r}: use person, or a name of up to {MAX_BY} characters")
    suffix = suffix_of(table.name)
    if suffix not in TABLE_SUFFIXES and suffix != ".txt":
        raise UsageError(f"{table}: use a file that ends in {', '.join(sorted(TABLE_SUFFIXES))}")
    check_file(table)
    if not _has_text(table):
        raise UsageError(f"{table} is empty: a table has a column {_KEYS}, and one for captions or tags")


def check_matched(folder: Path, table: Path, outcome: CaptionImport) -> None:
    """Raises ImpastoError if no row of the table is used."""
    if not outcome.matched:
        why = f": the first, {outcome.unmatched[0].file_name}: {outcome.unmatched[0].reason}" if outcome.unmatched else ""
        raise ImpastoError(f"none of the {outcome.rows} rows of {table} is about a picture of {folder}{why}")


def table_rows(table: Path, outcome: CaptionImport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (location, row) of the table and counts them; at the end, what cannot be read is in `outcome`."""
    report = CatalogueReport()
    for where, row in rows_of_file(TextSource.of(table), suffix_of(table.name), report, _names_or_hashes, _KEYS):
        outcome.rows += 1
        yield where, row
    outcome.rows += len(report.skipped)
    outcome.unmatched += report.skipped
    outcome.report.warnings += report.warnings
    outcome.report.notes += report.notes


def write_unused(home: Path, table: Path, outcome: CaptionImport) -> None:
    """Writes the rows that are not used to `annotations/import-captions.jsonl`."""
    lines = [
        {"table": table.name, "row": skip.file_name, "reason": skip.reason}
        for skip in (*outcome.unmatched, *outcome.further, *outcome.kept)
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    write_atomically(home / FOLDER / REPORT, text.encode("utf-8", "backslashreplace"))


def _has_text(table: Path) -> bool:
    """Returns whether a table has more than white space and a byte-order mark."""
    with table.open("rb") as file:
        return _ONLY_MARKS.fullmatch(file.read(4096)) is None or bool(file.read(1))


class _Pictures:
    """Finds the pictures of a catalogue, or of a part of one, by content or name."""

    def __init__(self, folder: Path, entries: list[CatalogueEntry], on_progress: Callable[[int, int], None] | None) -> None:
        self._entries = {entry.file_name.replace("\\", "/"): entry for entry in entries}
        self._matcher = NameMatcher(self._entries, str(folder.resolve()))
        self._by_content: dict[str, CatalogueEntry] | None = None
        self._on_progress = on_progress

    def find(self, row: dict[str, Any]) -> tuple[CatalogueEntry | None, str]:
        """Returns (the row's picture, "") or (None, reason)."""
        plain = {plain_column(column): value for column, value in row.items()}
        hashes = [str(plain[column]).strip().lower() for column in _HASH_COLUMNS if plain.get(column)]
        digest = digest_of(row)
        if digest and (entry := self._contents().get(digest)) is not None:
            return entry, ""
        name = file_name_of(row)
        if not name:
            if digest:
                return None, "no picture has this content"
            if hashes:
                return None, f"{cleaned(hashes[0])[:40]!r} is no SHA-256 of 64 hexadecimal digits"
            return None, f"it names no picture: give it a column {_KEYS}"
        match = self._matcher.match(name)
        if match.key is None:
            return None, match.reason.format(place="catalogue") or "there is no such picture in the catalogue"
        return self._entries[match.key], ""

    def _contents(self) -> dict[str, CatalogueEntry]:
        if self._by_content is None:
            self._by_content = {}
            for done, entry in enumerate(self._entries.values(), 1):
                try:
                    self._by_content.setdefault(content_of(entry.file), entry)
                except ImpastoError:
                    continue
                if self._on_progress is not None:
                    self._on_progress(done, len(self._entries))
        return self._by_content


class CaptionMerge:
    """What a table says about the pictures of a catalogue or of a part.

    Attributes:
        said: by the pictures' file names.
    """

    def __init__(self, part: Catalogue, table: str, by: str | None, replace: bool) -> None:
        self.said: dict[str, _Said] = {}
        self._part, self._table, self._by, self._replace = part, table, by, replace
        self._annotations = Annotations(part.home)

    def read(
        self,
        rows: Iterable[tuple[str, dict[str, Any]]],
        outcome: CaptionImport,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        """Takes the rows (location, row)."""
        outcome.report.warnings += self._annotations.warnings(self._part.home)
        pictures = _Pictures(self._part.folder, self._part.entries, on_progress)
        for where, row in rows:
            name = file_name_of(row) or where
            entry, reason = pictures.find(row)
            captions, tags = _captions(row), _tags(row)
            if entry is None:
                outcome.unmatched.append(Skipped(name, reason))
            elif not captions and not tags:
                outcome.unmatched.append(Skipped(name, _why_empty(row)))
            else:
                try:
                    content = content_of(entry.file)
                except ImpastoError as error:
                    outcome.unmatched.append(Skipped(name, str(error).removeprefix(f"{entry.file} ")))
                    continue
                who = self._by or _who(row) or self._table
                one = self.said.setdefault(entry.file_name, _Said(entry, content, who))
                if one.by != who:
                    outcome.unmatched.append(
                        Skipped(name, f"{who} says something else about it than {one.by}, which came first")
                    )
                    continue
                outcome.matched += 1
                one.captions += [text for text in captions if text not in one.captions]
                one.tags += [tag for tag in tags if tag not in one.tags]

    def rows(self, outcome: CaptionImport) -> "CaptionRows":
        """Returns what is new, and counts it."""
        rows = CaptionRows(self._table, self._replace)
        for one in self.said.values():
            rows.add(one, self._annotations.of_one(one.entry), outcome)
        return rows


class CaptionRows:
    """The rows that the logs get."""

    def __init__(self, table: str, replace: bool) -> None:
        self._table, self._replace = table, replace
        self._captions: list[dict[str, Any]] = []
        self._tags: list[dict[str, Any]] = []
        self._review: list[dict[str, Any]] = []

    def add(self, said: _Said, known: Annotation, outcome: CaptionImport) -> None:
        """Adds what `said` changes, and counts it."""
        head = {"file_name": said.entry.file_name, "content": said.content}
        source = {"by": said.by, "from": self._table}
        verdict = known.verdict
        changed = False
        caption = said.captions[0] if said.captions else ""
        if said.by == PERSON and caption:
            other = said.captions[1:]
            outcome.further += (
                Skipped(said.entry.file_name, f"of a person's captions the first is used, not {text[:60]!r}")
                for text in other
            )
            if verdict is not None and not self._replace and (verdict.rejected or known.caption_of(said.entry) != caption):
                why = "rejected" if verdict.rejected else "edited" if verdict.edited else "accepted with another caption"
                outcome.kept.append(Skipped(said.entry.file_name, f"{why} in review: its decision stays (--replace)"))
                return
            if verdict is None or verdict.rejected or caption not in (verdict.edited, verdict.accepted):
                time = datetime.now(UTC).isoformat(timespec="seconds")
                self._review.append({**head, "decision": "edit", "text": caption, "time": time, "from": self._table})
                changed = True
        elif caption:
            outcome.behind += bool(said.entry.caption)
            if (known.caption, *known.variants) != tuple(said.captions) or known.captioner != said.by:
                several = {"captions": said.captions} if len(said.captions) > 1 else {}
                imported = {**source, "captioner": f"{IMPORTED}{said.by}"}
                self._captions.append({**head, **imported, "caption": caption, **several})
                changed = True
        if said.tags and not said.entry.tags and known.tags != tuple(said.tags):
            tags = [[tag, 1.0] for tag in said.tags]
            self._tags.append({**head, **source, "tagger": f"{IMPORTED}{said.by}", "tags": tags})
            changed = True
        outcome.by[said.by] = outcome.by.get(said.by, 0) + 1
        outcome.new += changed
        outcome.already += not changed

    def write(self, folder: Path) -> None:
        """Appends the rows to the logs.

        Raises:
            ImpastoError: a log cannot be written.
        """
        AnnotationLog(folder, "tags").append(self._tags)
        AnnotationLog(folder, "captions").append(self._captions)
        AnnotationLog(folder, "review").append(self._review)


def digest_of(row: dict[str, Any]) -> str:
    """Returns the SHA-256 by which a table's row names its picture, or ""."""
    plain = {plain_column(column): value for column, value in row.items()}
    hashes = (str(plain[column]).strip().lower() for column in _HASH_COLUMNS if plain.get(column))
    return next((value for value in hashes if _HASH.fullmatch(value)), "")


def _names_or_hashes(columns: Iterable[str]) -> bool:
    plain = [plain_column(column) for column in columns]
    return names_pictures(plain) or any(column in (*_HASH_COLUMNS, "key") for column in plain)


def _texts(row: dict[str, Any], column: str) -> Iterator[str]:
    for name, value in row.items():
        if column_of(name) == column and value:
            yield from text_variants_of(value)


def _captions(row: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(text for value in _texts(row, "text") if (text := annotated_text(value))))


def _tags(row: dict[str, Any]) -> list[str]:
    parts = (tag for value in _texts(row, "tags") for tag in value.split(","))
    return list(dict.fromkeys(tag for part in parts if (tag := annotated_text(part))))


def _why_empty(row: dict[str, Any]) -> str:
    return f"its caption is longer than {MAX_TEXT} characters" if any(_texts(row, "text")) else "neither a caption nor tags"


def _who(row: dict[str, Any]) -> str:
    """Returns who says it, as our own `captions.csv` and logs tell: a person where one reviewed it."""
    plain = {plain_column(column): value for column, value in row.items()}
    if str(plain.get("reviewed") or "").strip().lower() in ("accepted", "edited"):
        return PERSON
    named = annotated_text(plain.get("by")) or annotated_text(plain.get("captioner"))
    return named[:MAX_BY]
