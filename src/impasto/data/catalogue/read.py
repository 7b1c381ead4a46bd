"""Reads catalogues: folders of pictures with `metadata.jsonl` or `metadata.csv`, with captions beside them, or a bare tree.

The layout is Hugging Face's *imagefolder*; `folder_rows` describes the others that are understood. Reading never writes into
the folder; a report lists what is not used.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT
from impasto.data.annotations.merged import merge_annotations
from impasto.data.annotations.opt_out import without_opted_out
from impasto.data.catalogue.columns import text_list, text_variants_of, with_catalogue_columns
from impasto.data.catalogue.dates import read_date
from impasto.data.catalogue.entry import (
    DROPPED,
    OPTED_OUT,
    REJECTED,
    CatalogueEntry,
    CatalogueReport,
    Skipped,
    counted_reasons,
)
from impasto.data.catalogue.folder_names import parent_folders, words_of_folders
from impasto.data.catalogue.folder_rows import FolderRows, Lost
from impasto.data.catalogue.listing import Listing
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.plain_text import cleaned, unprintable
from impasto.errors import ImpastoError

MAX_NAME = 120
_KNOWN = ("file_name", "artist", "title", "text", "year", "style", "genre", "tags", "captions", "repeats")
_MOST_NAMED = 20  # files that are not read and that a note names
_NOT_READ = "files that are not read"
_HARMLESS = frozenset({"hidden", "a hidden folder", "a system's own file", "no picture"})
REGULARISATION = "a regularisation picture of kohya's layout, which is no work to learn from"


@dataclass
class Catalogue:
    """The usable entries of a folder, in the order of its metadata, and a report on the rest."""

    folder: Path
    entries: list[CatalogueEntry]
    report: CatalogueReport


def read_catalogue(
    folder: Path,
    *,
    check_images: bool = True,
    annotations: bool = True,
    opted_out: bool = False,
    may_be_empty: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Catalogue:
    """Reads a catalogue.

    With `check_images` every picture is decoded and hashed in a thread pool to find broken, tiny, bomb-sized and duplicate
    ones, and `on_progress` is called with (done, total); otherwise only names and paths are checked. Where a table named
    `metadata` lies (jsonl before csv), only the pictures that it names are used; elsewhere every picture of the tree is.
    With `annotations` the annotation logs of the catalogue are merged in (see `merge_annotations`): tags and captions are
    added, and pictures that a reviewer rejected or the filter dropped are left out. Pictures under the catalogue's opt-out
    rules are left out always, except with `opted_out`. With `may_be_empty`, a catalogue of which somebody's decisions (the
    filter, a review, opt-outs) leave nothing has no entries.

    Raises:
        ImpastoError: the folder does not exist, contains no usable picture, or its metadata cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImpastoError(f"{folder} is not a folder of pictures")
    report = CatalogueReport()
    entries = [
        replace(_entry(name, file, row, report), conditions=conditions)
        for name, file, row, conditions in _rows(folder.resolve(), report)
    ]
    if not opted_out:
        entries = without_opted_out(folder, entries, report)
    if check_images:
        entries = _whole_and_different(entries, report, on_progress)
    if annotations:  # after the check: a duplicate of a rejected picture remains a duplicate
        entries = merge_annotations(folder, entries, report)
    decided = report.reasons()
    if not entries and not (may_be_empty and any(kind in decided for kind in (DROPPED, OPTED_OUT, REJECTED))):
        what = "put pictures into it as artist/picture.jpg, or name them in its metadata.jsonl"
        if report.notes and report.notes[-1].startswith(_NOT_READ):
            what = report.notes[-1]
        elif report.skipped:
            what = f"the first, {report.skipped[0].file_name}: {report.skipped[0].reason}"
            if len(report.skipped) > 1:
                what = f"not used are {counted_reasons(decided)}; {what}"
        raise ImpastoError(f"{folder} holds no usable picture ({what})")
    return Catalogue(folder, entries, report)


def _rows(root: Path, report: CatalogueReport) -> Iterator[tuple[str, Path, dict[str, Any], dict[str, Path]]]:
    """Yields (file name, file, row with a catalogue's columns, condition pictures) of the pictures to use; the others go to
    `report`.
    """
    listing = Listing.of(root)
    rows = FolderRows(listing, place="catalogue", only_named=True)
    refused = {skip.file_name: skip.reason.replace("the folder", "the catalogue") for skip in listing.refused}
    for item in rows:
        if isinstance(item, Lost):
            report.skipped.append(_skipped(item, refused))
            continue
        file = listing.pictures[item.key]
        if words_of_folders(parent_folders(item.key)).is_regularisation:
            report.skipped.append(Skipped(item.key, REGULARISATION))
        elif file is not None:
            report.warnings += (Skipped(item.key, remark) for remark in item.remarks)
            others = {column: listing.pictures[key] for column, key in rows.conditions.get(item.key, {}).items()}
            conditions = {column: other for column, other in others.items() if other is not None}
            yield item.name or item.key, file, with_catalogue_columns(item.row), conditions
    if not rows.has_root_metadata:
        report.skipped += listing.refused
    report.notes += rows.notes
    if rows.unnamed:
        shown = ", ".join(rows.unnamed[:3]) + (" ..." if len(rows.unnamed) > 3 else "")
        report.notes.append(f"pictures that the metadata does not name are not used: {len(rows.unnamed)} ({shown})")
    left = [(key, reason) for key, reason in rows.not_taken() if reason not in _HARMLESS]
    if left and (not rows.has_root_metadata or listing.archives):
        shown = "; ".join(f"{key}: {reason}" for key, reason in left[:_MOST_NAMED])
        more = f" and {len(left) - _MOST_NAMED} others" if len(left) > _MOST_NAMED else ""
        report.notes.append(f"{_NOT_READ}: {shown}{more}")


def _skipped(item: Lost, refused: dict[str, str]) -> Skipped:
    if item.kind == "twice":
        return Skipped(item.name, "named twice in the metadata")
    if item.kind == "row" or not item.name:
        return Skipped(item.where, item.reason if item.kind == "row" else "no file_name")
    shown = cleaned(item.name)
    reason = refused.get(item.name) or item.reason or "there is no such file"
    if len(item.name) > 1024 or unprintable(item.name):
        reason = "an impossible file name"
    return Skipped(shown if len(shown) <= 200 else f"{shown[:200]}...", reason)


def _entry(name: str, file: Path, row: dict[str, Any], report: CatalogueReport) -> CatalogueEntry:
    def words(key: str, longest: int = MAX_NAME) -> str:
        value = row.get(key)
        if value is None:
            return ""
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number and not isinstance(value, str):
            report.warnings.append(Skipped(name, f"{key} is not a text"))
            return ""
        text = str(value).strip()
        if unprintable(text):
            report.warnings.append(Skipped(name, f"{key} holds control characters"))
            text = cleaned(text)
        if len(text) > longest:
            report.warnings.append(Skipped(name, f"{key} is longer than {longest} characters and is left out"))
            return ""
        return text

    artist = row.get("artist")
    if isinstance(artist, list) and artist and all(isinstance(one, str) for one in artist):
        row = {**row, "artist": "; ".join(artist)}  # a joint work
    captions = _captions(name, row, report)
    is_text = not isinstance(row.get("text"), list) and not text_list(row.get("text"))
    caption = (words("text", MAX_TEXT) if is_text else "") or next(iter(captions), "")
    extra = {
        cleaned(key): cleaned(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in row.items()
        if key not in _KNOWN and value is not None
    }
    return CatalogueEntry(
        file=file,
        file_name=name,
        artist=words("artist"),
        title=words("title", 300),
        caption=caption,
        style=words("style"),
        genre=words("genre"),
        year=_year(name, row.get("year"), report),
        tags=_tags(name, row.get("tags"), report),
        extra=extra,
        variants=tuple(text for text in captions if text != caption),
        repeats=_repeats(row.get("repeats")),
    )


def _captions(name: str, row: dict[str, Any], report: CatalogueReport) -> list[str]:
    """Returns the captions of `captions`, and of `text` if that is a list, also one written as text."""
    text = row.get("text")
    listed = text_variants_of(text) if isinstance(text, list) else text_list(text)
    texts = [cleaned(one).strip() for one in (*listed, *text_variants_of(row.get("captions")))]
    long = sum(len(one) > MAX_TEXT for one in texts)
    if long:
        report.warnings.append(Skipped(name, f"{long} captions are longer than {MAX_TEXT} characters and are left out"))
    return list(dict.fromkeys(one for one in texts if one and len(one) <= MAX_TEXT))


def _repeats(value: Any) -> int:
    return min(value, 1000) if isinstance(value, int) and not isinstance(value, bool) and value > 1 else 1


def _year(name: str, value: Any, report: CatalogueReport) -> int | None:
    found = read_date(value)
    if not found.understood:
        report.warnings.append(Skipped(name, f"year {cleaned(str(value)[:40])!r} is not a year of a painting"))
    return found.year


def _tags(name: str, value: Any, report: CatalogueReport) -> tuple[str, ...]:
    """Returns the tags of a list, or of one text with commas between, as in a table."""
    found = value.split(",") if isinstance(value, str) else value
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
        report.warnings.append(Skipped(name, "tags is not a list of texts"))
        return ()
    tags = (cleaned(tag).strip() for tag in found)
    return tuple(dict.fromkeys(tag for tag in tags if 0 < len(tag) <= MAX_NAME))


def _whole_and_different(
    rows: list[CatalogueEntry], report: CatalogueReport, on_progress: Callable[[int, int], None] | None
) -> list[CatalogueEntry]:
    def look(entry: CatalogueEntry) -> tuple[str, str]:
        """Returns (content hash, ""), or ("", reason why the picture cannot be used)."""
        try:
            open_picture(entry.file)
            return hashlib.sha256(entry.file.read_bytes()).hexdigest(), ""
        except (ImpastoError, OSError) as error:  # the file may disappear between the two reads
            return "", str(error).removeprefix(f"{entry.file}: ")

    kept: list[CatalogueEntry] = []
    first_of: dict[str, str] = {}
    pool = ThreadPoolExecutor()
    try:
        for number, (entry, (content, reason)) in enumerate(zip(rows, pool.map(look, rows), strict=True), 1):
            if reason:
                report.skipped.append(Skipped(entry.file_name, reason))
            elif content in first_of:
                report.skipped.append(Skipped(entry.file_name, f"the same picture as {first_of[content]}"))
            else:
                first_of[content] = entry.file_name
                kept.append(entry)
            if on_progress is not None:
                on_progress(number, len(rows))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C does not wait for thousands of pictures
    return kept
