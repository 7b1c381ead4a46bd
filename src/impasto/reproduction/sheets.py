"""Draws the figures of a reproduction: sheets of paintings, with texts under columns or under each picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.painting.sheets.layout import Picture, Sheet, draw_sheet
from impasto.painting.sheets.lettering import Lettering

CELL = 96  # px of a side: small, because figures are committed to the repository
WIDE_CELL = 128  # px, pocket's own size: for figures of few columns with texts under them
_LETTERS = 12  # px
_GAP = 6  # px
_BETWEEN = 20  # px between columns with texts under them, so that neighbouring texts do not read as one line


def save_sheet(
    path: Path,
    rows: Sequence[Sequence[Picture]],
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    legend: str,
    *,
    title: str = "",
    column_notes: Sequence[str] = (),
    row_captions: Sequence[str] = (),
    cell: int = CELL,
) -> None:
    """Draws and writes a PNG of square cells; shorter rows are filled up with white.

    `column_notes` are texts of any length below the columns, each below as many columns as the others; `row_captions` those
    under each row.

    Raises:
        ImpastoError: a painting is missing or broken, or the file cannot be written.
    """
    columns = max(map(len, rows))
    sheet = Sheet(
        len(rows), columns, (cell, cell), row_titles=row_titles,
        column_titles=[*column_titles, *[""] * (columns - len(column_titles))] if column_titles else (),
        title=title, legend=legend, column_notes=column_notes, row_captions=row_captions,
    )  # fmt: skip
    _write(path, sheet.draw([[*row, *[None] * (columns - len(row))] for row in rows]))


@dataclass(frozen=True)
class Captioned:
    """A picture, and the texts under it; each text begins on a line of its own and may have any length."""

    picture: Path
    texts: tuple[str, ...]


def save_captioned(
    path: Path, cells: Sequence[Captioned], columns: int, *, title: str = "", legend: str = "", cell: int = CELL
) -> None:
    """Draws and writes a PNG of pictures in rows of `columns`, each with its texts under it.

    Raises:
        ImpastoError: there is no picture, a picture is missing or broken, or the file cannot be written.
    """
    if not cells:
        raise ImpastoError("a sheet needs at least one picture")
    letters, columns = Lettering(_LETTERS), min(columns, len(cells))
    width = columns * (cell + _BETWEEN) - _BETWEEN + 2 * _GAP
    head, foot = (letters.wrap(text, width - 2 * _GAP, None) for text in (title, legend))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    under = [[_wrapped(letters, one.texts, cell) for one in row] for row in rows]
    heights = [cell + 2 * _GAP + max(map(len, texts)) * letters.line for texts in under]
    margin = [len(lines) * letters.line + _GAP if lines else 0 for lines in (head, foot)]
    sheet = Image.new("RGB", (width, _GAP + margin[0] + sum(heights) + margin[1]), "white")
    pen, top = ImageDraw.Draw(sheet), _GAP + margin[0]
    letters.draw(pen, _GAP, _GAP, head)
    for row, texts, height in zip(rows, under, heights, strict=True):
        for number, (one, lines) in enumerate(zip(row, texts, strict=True)):
            left = _GAP + number * (cell + _BETWEEN)
            drawn = draw_sheet([[one.picture]], cell=cell)
            edge = (drawn.width - cell) // 2
            sheet.paste(drawn.crop((edge, (drawn.height - cell) // 2, edge + cell, (drawn.height + cell) // 2)), (left, top))
            letters.draw(pen, left, top + cell + _GAP // 2, lines)
        top += height
    letters.draw(pen, _GAP, top, foot)
    _write(path, sheet)


def _wrapped(letters: Lettering, texts: Sequence[str], width: int) -> list[str]:
    return [line for text in texts for line in letters.wrap(text, width, None)]


def _write(path: Path, image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise ImpastoError(f"{path} cannot be written: {error.strerror}") from None
