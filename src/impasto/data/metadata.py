"""The rows that describe a catalogue's pictures: of `metadata.jsonl`, of `metadata.csv`, or guessed from a bare tree."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impasto.data.entry import CatalogueReport, Skipped
from impasto.errors import ImpastoError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
MAX_METADATA_BYTES = 1 << 30
# The small words of names, which a folder's name cannot tell apart: "vincent-van-gogh" is "Vincent van Gogh".
_PARTICLES = frozenset({"van", "von", "der", "den", "de", "del", "da", "di", "du", "la", "le", "the", "ter"})


def metadata_rows(folder: Path, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, row) of the metadata, or of the bare tree where there is none; a line that cannot be read goes to `report`.

    Raises:
        ImpastoError: the metadata cannot be read as a whole.
    """
    lines, table = folder / "metadata.jsonl", folder / "metadata.csv"
    if lines.is_file():
        yield from _rows_of_lines(lines, report)
    elif table.is_file():
        yield from _rows_of_table(table, report)
    else:
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
            name = path.relative_to(folder)
            if not any(part.startswith(".") for part in name.parts) and path.is_file():
                artist = _artist_of_folder(name.parts[0]) if len(name.parts) > 1 else ""
                title = path.stem.replace("-", " ").replace("_", " ")
                yield name.as_posix(), {"file_name": name.as_posix(), "artist": artist, "title": title}


def _artist_of_folder(folder: str) -> str:
    words = folder.replace("-", " ").replace("_", " ").split()
    return " ".join(
        word if place and word in _PARTICLES else word[:1].upper() + word[1:] for place, word in enumerate(words)
    )


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_METADATA_BYTES:
            raise ImpastoError(f"{path} is larger than {MAX_METADATA_BYTES >> 20} MiB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImpastoError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None


def _rows_of_lines(path: Path, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_read_text(path).split("\n"), 1):
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


def _rows_of_table(path: Path, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_read_text(path), newline=""))
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise ImpastoError(f"{path} cannot be read as CSV: {error}") from None
    if "file_name" not in reader.fieldnames:
        raise ImpastoError(f"{path} has no column file_name: its first line names the columns, with commas between")
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            report.skipped.append(Skipped(f"{path.name} line {reader.line_num + 1}", str(error)))
            continue
        if row is None:
            return
        where = f"{path.name} line {reader.line_num}"
        if None in row or None in row.values():
            report.warnings.append(Skipped(where, "another number of columns than the heading"))
        yield where, {key: value for key, value in row.items() if key is not None and value is not None}
