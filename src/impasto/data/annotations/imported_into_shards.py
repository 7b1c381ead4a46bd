"""Merges published captions into shards: the table is sorted by the parts of the set on disk, then merged part by part."""

import json
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from impasto.data.annotations.imported_captions import (
    CaptionImport,
    CaptionMerge,
    check_captions,
    check_matched,
    digest_of,
    table_rows,
    write_unused,
)
from impasto.data.annotations.log import content_of
from impasto.data.catalogue.entry import Skipped
from impasto.data.catalogue.folder_rows import file_name_of
from impasto.data.catalogue.name_matching import NameMatcher
from impasto.data.catalogue.read import catalogue_parts
from impasto.data.shards.homes import home_of
from impasto.errors import UsageError

_TABLES = """
CREATE TABLE pictures (content BLOB, stem TEXT, file_name TEXT, part TEXT);
CREATE TABLE said (part TEXT, place TEXT, row TEXT);
"""
_INDICES = "CREATE INDEX by_content ON pictures (content); CREATE INDEX by_stem ON pictures (stem);"


def import_captions_into_shards(
    place: Path,
    table: Path,
    by: str | None = None,
    *,
    replace: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> CaptionImport:
    """Does what `import_captions` does, to shards of any number, whose names and contents go to a temporary file.

    Rows that are not used are named in the annotations of the set. `on_progress` is called with (pictures done, total).

    Raises:
        UsageError, MissingPart, ImpastoError: as `import_captions`.
    """
    check_captions(table, by)
    outcome = CaptionImport()
    names = sqlite3.connect("", isolation_level=None)
    # executescript itself commits what was begun
    names.executescript(f"PRAGMA journal_mode=OFF; {_TABLES} BEGIN;")
    pictures = 0
    for part in catalogue_parts(place, check_images=False, annotations=False):
        outcome.report.add(part.report)
        rows = ((bytes.fromhex(content_of(e.file)), _stem(e.file_name), e.file_name, part.home.name) for e in part.entries)
        names.executemany("INSERT INTO pictures VALUES (?, ?, ?, ?)", rows)
        pictures += len(part.entries)
    names.executescript(f"{_INDICES} BEGIN;")
    for where, row in table_rows(table, outcome):
        part_name, reason = _part_of(names, row, where)
        if part_name:
            line = json.dumps(row, ensure_ascii=False, default=str)
            names.execute("INSERT INTO said VALUES (?, ?, ?)", (part_name, where, line))
        else:
            outcome.unmatched.append(Skipped(file_name_of(row) or where, reason))
    if not outcome.rows:
        raise UsageError(f"{table} has no rows: a row names a picture and has a caption or tags")
    names.executescript("CREATE INDEX by_part ON said (part);")
    named = 0
    for part in catalogue_parts(place, check_images=False, annotations=False):
        if on_progress is not None:
            on_progress(part.start, pictures)
        if names.execute("SELECT 1 FROM said WHERE part = ?", (part.home.name,)).fetchone():
            merge = CaptionMerge(part, table.name, by, replace)
            merge.read(_said(names, part.home.name), outcome, None)
            named += len(merge.said)
            merged = merge.rows(outcome)
            if not dry_run:
                merged.write(part.home)
    names.close()
    check_matched(place, table, outcome)
    outcome.lacking = pictures - named
    if not dry_run:
        write_unused(home_of(place), table, outcome)
    return outcome


def _said(names: sqlite3.Connection, part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, row in names.execute("SELECT place, row FROM said WHERE part = ? ORDER BY rowid", (part,)):
        yield where, json.loads(row)


def _part_of(names: sqlite3.Connection, row: dict[str, Any], where: str) -> tuple[str, str]:
    """Returns (the part with the row's picture, "") or ("", reason)."""
    digest = digest_of(row)
    if digest:
        ask = "SELECT part FROM pictures WHERE content = ? LIMIT 1"
        found = names.execute(ask, (bytes.fromhex(digest),)).fetchone()
        if found is not None:
            return found[0], ""
    name = file_name_of(row)
    if not name:
        return "", "no picture has this content" if digest else f"it names no picture ({where})"
    stems = {_stem(text) for text in (name, unquote(name), unquote(name.partition("?")[0]))}
    stems |= {text.replace("\\", "/").rpartition("/")[2].casefold() for text in (name, unquote(name))}
    marks = ", ".join("?" * len(stems))
    rows = names.execute(f"SELECT file_name, part FROM pictures WHERE stem IN ({marks})", tuple(stems))
    alike = dict(rows.fetchmany(_MOST_ALIKE + 1))
    if len(alike) > _MOST_ALIKE:
        return "", f"more than {_MOST_ALIKE} pictures have this name: name the folder too, or the content"
    match = NameMatcher(alike).match(name)
    if match.key is None:
        return "", match.reason.format(place="catalogue") or "there is no such picture in the catalogue"
    return alike[match.key], ""


_MOST_ALIKE = 10_000


def _stem(name: str) -> str:
    """Returns a file's name without folders and ending, in one form of Unicode and case."""
    path = unicodedata.normalize("NFC", name).replace("\\", "/").casefold()
    return PurePosixPath(path.rpartition("/")[2]).stem
