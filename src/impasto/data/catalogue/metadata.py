"""Reads a catalogue's metadata rows from `metadata.jsonl` or `metadata.csv`, or guesses them from a bare tree."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from impasto.data.catalogue.artist_names import artist_name
from impasto.data.catalogue.entry import CatalogueReport, Skipped
from impasto.errors import ImpastoError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
MAX_METADATA_BYTES = 1 << 30


def metadata_rows(folder: Path, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (location, row) of the metadata, or of the bare tree if there is none; unreadable lines go to `report`.

    Raises:
        ImpastoError: the metadata cannot be read as a whole.
    """
    lines, table = folder / "metadata.jsonl", folder / "metadata.csv"
    if lines.is_file():
        yield from rows_of_lines(lines, report)
    elif table.is_file():
        yield from rows_of_table(table, report)
    else:
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
            name = path.relative_to(folder)
            if not any(part.startswith(".") for part in name.parts) and path.is_file():
                artist = artist_name(name.parts[0]) if len(name.parts) > 1 else ""
                title = path.stem.replace("-", " ").replace("_", " ")
                yield name.as_posix(), {"file_name": name.as_posix(), "artist": artist, "title": title}


def rows_of_lines(path: Path, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (location, row) of a file with one JSON object per line, read as a stream; other lines go to `report`.

    Raises:
        ImpastoError: the file cannot be read.
    """
    for number, line in enumerate(_lines(path, "\n"), 1):
        where = f"{path.name} line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            report.skipped.append(Skipped(where, "not JSON"))
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            report.skipped.append(Skipped(where, "not a JSON object"))


def rows_of_table(
    path: Path, report: CatalogueReport, names_file: Callable[[str], bool] = lambda column: column == "file_name"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (location, row) of a CSV file, read as a stream.

    A row that cannot be read is skipped and reported; a row that is too short or too long is used with a warning in
    `report`.

    Args:
        names_file: returns whether a column of this name holds the picture's file name; there must be such a column.

    Raises:
        ImpastoError: the file cannot be read, or no column names the pictures.
    """
    reader = csv.DictReader(_lines(path, ""))
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise ImpastoError(f"{path} cannot be read as CSV: {error}") from None
    if not any(map(names_file, reader.fieldnames)):
        raise ImpastoError(f"{path} has no column file_name: its first line names the columns, with commas between")
    name = path.name
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            report.skipped.append(Skipped(f"{name} line {reader.line_num + 1}", str(error)))
            continue
        if row is None:
            return
        where = f"{name} line {reader.line_num}"
        if None in row or None in row.values():
            report.warnings.append(Skipped(where, "another number of columns than the heading"))
        yield where, {key: value for key, value in row.items() if key is not None and value is not None}


def _lines(path: Path, newline: str) -> Iterator[str]:
    """Yields the lines of a text file, one at a time. `newline` is passed to `open`."""
    number = 0
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise ImpastoError(f"{path} is larger than {MAX_METADATA_BYTES >> 20} MiB")
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            for line in file:
                yield line
                number += 1
    except UnicodeDecodeError:
        raise ImpastoError(f"{path} is not UTF-8 (after line {number}): save it as UTF-8") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None
