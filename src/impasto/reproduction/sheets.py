"""Draws the figures of a reproduction: sheets of generated paintings."""

import io
from collections.abc import Sequence
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.painting.sheets.layout import Picture, Sheet

CELL = 96  # px of a side: small, because figures are committed to the repository


def save_sheet(
    path: Path, rows: Sequence[Sequence[Picture]], row_titles: Sequence[str], column_titles: Sequence[str], legend: str
) -> None:
    """Draws and writes a PNG of square cells; shorter rows are filled up with white.

    Raises:
        ImpastoError: a painting is missing or broken, or the file cannot be written.
    """
    columns = max(map(len, rows))
    sheet = Sheet(
        len(rows), columns, (CELL, CELL), row_titles=row_titles,
        column_titles=[*column_titles, *[""] * (columns - len(column_titles))], legend=legend,
    )  # fmt: skip
    buffer = io.BytesIO()
    sheet.draw([[*row, *[None] * (columns - len(row))] for row in rows]).save(buffer, "PNG", optimize=True)
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise ImpastoError(f"{path} cannot be written: {error.strerror}") from None
