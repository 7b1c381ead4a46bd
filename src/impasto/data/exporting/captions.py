"""Exports captions without pictures, for use when the pictures themselves may not be published."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from impasto.data.exporting.rows import ExportRows
from impasto.errors import ImpastoError
from impasto.files import written_atomically

COLUMNS = ("file_name", "content", "artist", "title", "year", "caption", "tags", "reviewed", "license", "source", "url")


def write_captions(rows: ExportRows, out: Path, on_left: Callable[[], None] | None = None) -> int:
    """Writes a CSV file of the rows that have a caption or tags, and returns their number.

    `content` is the SHA-256 of the picture's bytes, so anyone who has the picture can find its row. Tags are separated by
    commas; `year` is empty if it is unknown. `on_left` is called for each row that has neither.

    Raises:
        ImpastoError: the file cannot be written.
    """
    count = 0
    try:
        with written_atomically(out) as file:
            text = io.TextIOWrapper(file, "utf-8", "replace", newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in rows:
                entry = row.entry
                if entry.caption or entry.tags:
                    year = "" if entry.year is None else entry.year
                    tags = ", ".join(entry.tags)
                    known = (row.name, row.content, entry.artist, entry.title, year, entry.caption, tags, row.reviewed)
                    writer.writerow((*known, entry.license, entry.extra.get("source", ""), entry.url))
                    count += 1
                elif on_left is not None:
                    on_left()
            text.detach()
    except OSError as error:
        raise ImpastoError(f"{out} cannot be written: {error.strerror}") from None
    return count
