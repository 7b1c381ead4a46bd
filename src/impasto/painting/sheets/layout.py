"""Lays out and draws sheets: pictures in rows and columns, with titles and a legend.

The layout is computed before anything is drawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from impasto.errors import ImpastoError
from impasto.painting.sheets.lettering import Lettering

Picture = Image.Image | Path | None  # in memory, in a file, or None: the cell stays white

_TITLE_LINES, _LEGEND_LINES = 3, 8


@dataclass(frozen=True)
class Band:
    """A block of text on the sheet: its lines, and its position in pixels from the sheet's corner."""

    left: int
    top: int
    lines: list[str]
    within: int | None = None


class Sheet:
    """The layout of a sheet: `rows` x `columns` cells, with titles left of the rows and above the columns, captions under
    the rows, a title above and a legend below.

    Attributes:
        size: (width, height) in pixels of the sheet.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        cell: tuple[int, int],
        *,
        row_titles: Sequence[str] = (),
        column_titles: Sequence[str] = (),
        row_captions: Sequence[str] = (),
        title: str = "",
        legend: str = "",
        column_notes: Sequence[str] = (),
    ) -> None:
        """Computes the layout. Titles wrap, and are cut if higher than a cell; captions and notes are never cut.

        Args:
            cell: (width, height) in pixels that each picture is fitted into.
            row_captions: the text under each row, as wide as the sheet; "" for none under a row.
            column_notes: the texts below the last row; each spans as many columns as the others.

        Raises:
            ImpastoError: no cells, or the number of titles, captions or notes does not fit the number of rows or columns.
        """
        if rows < 1 or columns < 1 or min(cell) < 1:
            raise ImpastoError("a sheet needs at least one picture")
        given = (
            ("titles", row_titles, rows, "rows"), ("titles", column_titles, columns, "columns"),
            ("captions", row_captions, rows, "rows"),
        )  # fmt: skip
        for kind, texts, count, name in given:
            if texts and len(texts) != count:
                raise ImpastoError(f"{len(texts)} {kind} for {count} {name}")
        if column_notes and columns % len(column_notes):
            raise ImpastoError(f"{len(column_notes)} notes for {columns} columns")
        self._rows, self._columns, self._cell = rows, columns, cell
        width, height = cell
        self._gap = max(2, min(cell) // 32)
        self._letters = Lettering(round(8 + min(cell) / 28))
        line, gap = self._letters.line, self._gap
        most = max(1, height // line)
        beside = [self._letters.wrap(text, max(width, 10 * line), most) for text in row_titles]
        above = [self._letters.wrap(text, width, most) for text in column_titles]
        margin = max((self._letters.width(text) + gap for lines in beside for text in lines), default=0)
        self._left = gap + margin
        # Below some width, a legend would wrap to a column of single words.
        across = max(self._left + columns * (width + gap), 20 * line if title or legend or any(row_captions) else 0)
        head = self._letters.wrap(title, across - 2 * gap, _TITLE_LINES)
        foot = self._letters.wrap(legend, across - 2 * gap, _LEGEND_LINES)
        under_head = gap + (len(head) * line + gap if head else 0)
        highest = max(map(len, above), default=0)
        end = under_head + (highest * line + gap if highest else 0)
        under = [self._letters.wrap(text, across - 2 * gap, None) for text in row_captions] or [[]] * rows
        self._tops: list[int] = []  # of the rows
        captions: list[Band] = []
        for lines in under:
            self._tops.append(end)
            end += height + gap
            if lines:
                captions.append(Band(gap, end, lines))
                end += len(lines) * line + 2 * gap
        span = columns // len(column_notes) * (width + gap) if column_notes else 0
        below = [self._letters.wrap(text, span - gap, None) for text in column_notes]
        captions += [Band(self._left + number * span, end, lines) for number, lines in enumerate(below)]
        end += max(map(len, below), default=0) * line + (gap if any(below) else 0)
        self.size = across, end + (len(foot) * line + gap if foot else 0)
        self._bands = [Band(gap, gap, head), Band(gap, end, foot), *captions]
        for number, lines in enumerate(above):
            left = self._left + number * (width + gap)
            self._bands.append(Band(left, under_head + (highest - len(lines)) * line, lines, width))
        for number, lines in enumerate(beside):
            middle = self._tops[number] + (height - len(lines) * line) // 2
            self._bands.append(Band(gap, middle, lines))

    def draw(self, pictures: Iterable[Sequence[Picture]]) -> Image.Image:
        """Draws the sheet with these rows of pictures, as RGB. Each picture is opened only while it is drawn.

        Pictures keep their aspect ratio: each is scaled to fit its cell and centred in it.

        Raises:
            ImpastoError: a file is not a picture.
        """
        sheet = Image.new("RGB", self.size, "white")
        pen = ImageDraw.Draw(sheet)
        for band in self._bands:
            self._letters.draw(pen, band.left, band.top, band.lines, band.within)
        width, height = self._cell
        for row, across in zip(range(self._rows), pictures, strict=True):
            for column, picture in enumerate(across):
                if picture is None:
                    continue
                fitted = _fitted(picture, self._cell)
                left = self._left + column * (width + self._gap) + (width - fitted.width) // 2
                top = self._tops[row] + (height - fitted.height) // 2
                sheet.paste(fitted, (left, top))
        return sheet


def draw_sheet(
    pictures: Sequence[Sequence[Picture]],
    row_titles: Sequence[str] = (),
    *,
    column_titles: Sequence[str] = (),
    row_captions: Sequence[str] = (),
    cell: int = 128,
) -> Image.Image:
    """Draws rows of pictures, of any lengths, on a sheet of square cells of `cell` px.

    Raises:
        ImpastoError: as `Sheet` and `Sheet.draw`.
    """
    columns = max(map(len, pictures), default=0)
    sheet = Sheet(
        len(pictures), columns, (cell, cell), row_titles=row_titles, column_titles=column_titles, row_captions=row_captions
    )
    return sheet.draw(pictures)


def _fitted(picture: Image.Image | Path, cell: tuple[int, int]) -> Image.Image:
    if isinstance(picture, Path):
        try:
            with Image.open(picture) as opened:
                return _fitted(opened.convert("RGB"), cell)
        except OSError as error:
            raise ImpastoError(f"{picture} cannot be read: {error.strerror or 'it is no whole picture'}") from None
    share = min(cell[0] / picture.width, cell[1] / picture.height)
    size = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    picture = picture.convert("RGB")
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
