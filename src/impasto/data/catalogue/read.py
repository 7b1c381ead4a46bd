"""Reads catalogues: folders of pictures with `metadata.jsonl` or `metadata.csv`, or a bare tree `artist/picture.jpg`.

The layout is Hugging Face's *imagefolder*. Reading never writes into the folder; a report lists what is not used.
"""

import hashlib
import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from impasto.data.annotations.decisions import MAX_TEXT
from impasto.data.annotations.merged import merge_annotations
from impasto.data.catalogue.dates import read_date
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.metadata import metadata_rows
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.plain_text import cleaned, unprintable
from impasto.errors import ImpastoError

MAX_NAME = 120
_KNOWN = ("file_name", "artist", "title", "text", "year", "style", "genre", "tags")


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
    on_progress: Callable[[int, int], None] | None = None,
) -> Catalogue:
    """Reads a catalogue.

    With `check_images` every picture is decoded and hashed in a thread pool to find broken, tiny, bomb-sized and duplicate
    ones, and `on_progress` is called with (done, total); otherwise only names and paths are checked. `metadata.jsonl` takes
    precedence over `metadata.csv`; if there is neither, every picture of the tree is used. With `annotations` the
    annotation logs of the catalogue are merged in (see `merge_annotations`): tags and captions are added, and pictures that
    a reviewer rejected or the filter dropped are left out.

    Raises:
        ImpastoError: the folder does not exist, contains no usable picture, or its metadata cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImpastoError(f"{folder} is not a folder of pictures")
    report = CatalogueReport()
    entries: list[CatalogueEntry] = []
    files: set[Path] = set()
    root = folder.resolve()
    for where, row in metadata_rows(folder, report):
        entry = _entry(root, where, row, report)
        if entry is not None and entry.file in files:
            report.skipped.append(Skipped(entry.file_name, "named twice in the metadata"))
        elif entry is not None:
            files.add(entry.file)
            entries.append(entry)
    if check_images:
        entries = _whole_and_different(entries, report, on_progress)
    if annotations:  # after the check: a duplicate of a rejected picture remains a duplicate
        entries = merge_annotations(folder, entries, report)
    if not entries:
        what = "put pictures into it as artist/picture.jpg, or name them in its metadata.jsonl"
        if report.skipped:
            what = f"the first, {report.skipped[0].file_name}: {report.skipped[0].reason}"
        raise ImpastoError(f"{folder} holds no usable picture ({what})")
    return Catalogue(folder, entries, report)


def _entry(root: Path, where: str, row: dict[str, Any], report: CatalogueReport) -> CatalogueEntry | None:
    name = row.get("file_name")
    if not isinstance(name, str) or not name.strip():
        report.skipped.append(Skipped(where, "no file_name"))
        return None
    file, reason = _place(root, name)
    if file is None:
        shown = cleaned(name)
        report.skipped.append(Skipped(shown if len(shown) <= 200 else f"{shown[:200]}...", reason))
        return None

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
        caption=words("text", MAX_TEXT),
        style=words("style"),
        genre=words("genre"),
        year=_year(name, row.get("year"), report),
        tags=_tags(name, row.get("tags"), report),
        extra=extra,
    )


def _place(root: Path, name: str) -> tuple[Path | None, str]:
    """Returns (path of the entry's file, ""), or (None, reason why it may not be opened)."""
    if len(name) > 1024 or unprintable(name):
        return None, "an impossible file name"
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (parts.parts and parts.parts[0].endswith(":")):
        return None, "the path leaves the catalogue"
    file = root / parts
    try:
        if not file.resolve().is_relative_to(root):
            return None, "the path leaves the catalogue through a link"
        if not file.is_file():
            return None, "there is no such file"
    except (OSError, RuntimeError):
        return None, "an impossible path"
    return file, ""


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
