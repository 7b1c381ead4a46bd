"""Exports captions without pictures, for use when the pictures themselves may not be published."""

import csv
import io
from pathlib import Path

from impasto.data.exporting.rows import ExportRows
from impasto.errors import ImpastoError
from impasto.files import write_atomically

COLUMNS = ("file_name", "content", "artist", "title", "year", "caption", "tags", "reviewed", "license", "source", "url")


def write_captions(rows: ExportRows, out: Path) -> int:
    """Writes a CSV file of the rows that have a caption or tags, and returns their number.

    `content` is the SHA-256 of the picture's bytes, so anyone who has the picture can find its row. Tags are separated by
    commas; `year` is empty if it is unknown.

    Raises:
        ImpastoError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows.rows:
        entry = row.entry
        if entry.caption or entry.tags:
            year = "" if entry.year is None else entry.year
            tags = ", ".join(entry.tags)
            known = (row.name, row.content, entry.artist, entry.title, year, entry.caption, tags, row.reviewed)
            writer.writerow((*known, entry.license, entry.extra.get("source", ""), entry.url))
            count += 1
    try:
        write_atomically(out, text.getvalue().encode("utf-8", "replace"))
    except OSError as error:
        raise ImpastoError(f"{out} cannot be written: {error.strerror}") from None
    return count
