"""Captions without pictures: what may be published where the pictures may not."""

import csv
import io
from pathlib import Path

from impasto.data.exporting.rows import ExportRows
from impasto.errors import ImpastoError
from impasto.files import write_atomically

COLUMNS = ("file_name", "content", "artist", "title", "year", "caption", "tags", "reviewed")


def write_captions(rows: ExportRows, out: Path) -> int:
    """Writes a CSV of the rows that have a caption or tags, and gives their number.

    `content` is the SHA-256 of the picture's bytes, by which whoever has the picture finds its row. Tags are parted by
    commas; `year` is empty where it is unknown.

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
            writer.writerow((row.name, row.content, entry.artist, entry.title, year, entry.caption, tags, row.reviewed))
            count += 1
    try:
        write_atomically(out, text.getvalue().encode("utf-8", "replace"))
    except OSError as error:
        raise ImpastoError(f"{out} cannot be written: {error.strerror}") from None
    return count
