"""The sheet of a series: artists side by side, and each extended prompt printed under its row (wu2022, figures 5 to 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.jobs.painting.series.plan import Series, SeriesRow

if TYPE_CHECKING:
    from impasto.jobs.painting.paint_files import PaintedFile
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.sheets.layout import Sheet
    from impasto.painting.sheets.record import SheetRecord


@dataclass(frozen=True)
class _Line:
    """One row of pictures on the sheet: the series' row, the number of the picture (None: all side by side), its caption."""

    row: SeriesRow
    number: int | None
    caption: str


@dataclass(frozen=True)
class SeriesSheet:
    """The sheet of a series; its size is known before anything is painted.

    With several artists, the columns are the artists, and further seeds are further lines of a row. With one artist, the
    columns are the seeds.
    """

    series: Series

    @property
    def _by_artist(self) -> bool:
        return len(self.series.artists) > 1

    @property
    def _lines(self) -> list[_Line]:
        numbers = range(self.series.count) if self._by_artist else [None]
        return [
            _Line(row, number, row.caption if number in (None, self.series.count - 1) else "")
            for row in self.series.rows
            for number in numbers
        ]

    def layout(self, records: "Sequence[Provenance] | None" = None) -> "Sheet":
        """Returns the layout. The records of the paintings, in the order of the requests, tell their seeds.

        Raises:
            ImpastoError: there is nothing to draw.
        """
        from impasto.painting.sheets.layout import Sheet

        series = self.series
        sizes = [(request.width, request.height) for request in series.requests]
        seeds = [request.seed for request in series.requests] if records is None else [one.seed for one in records]
        lines = self._lines
        return Sheet(
            len(lines), len(series.artists) if self._by_artist else series.count,
            (max(width for width, _ in sizes), max(height for _, height in sizes)),
            row_titles=self._row_titles(seeds), column_titles=self._column_titles(seeds),
            row_captions=[line.caption for line in lines], title=self._title, legend=self._legend,
        )  # fmt: skip

    def check(self, file: Path) -> None:
        """Raises UsageError if a file of this kind cannot hold the sheet."""
        from impasto.painting.sheets.file import check_size, check_suffix

        check_suffix(file)
        check_size(file, *self.layout().size)

    def save(self, painted: "Sequence[PaintedFile]", file: Path) -> "SheetRecord":
        """Draws the sheet from the files of the paintings, in the order of the requests, and returns its record.

        Raises:
            UsageError, ImpastoError: a painting was removed meanwhile, or the sheet cannot be written.
        """
        from impasto.painting.sheets.file import save_sheet

        records = [one.provenance for one in painted]
        places = self._places
        files = [[painted[place].path for place in across] for across in places]
        record = self.record([[records[place] for place in across] for across in places])
        save_sheet(self.layout(records).draw(files), record, file)
        return record

    def record(self, cells: "Sequence[Sequence[Provenance]]") -> "SheetRecord":
        """Returns the sheet's record: its axes, and the record of each painting."""
        from impasto.painting.sheets.record import SheetAxis, SheetRecord

        several = self.series.count > 1
        rows = tuple(
            f"{line.row.caption}, no. {line.number + 1}" if several and line.number is not None else line.row.caption
            for line in self._lines
        )
        columns = ("artist", tuple(artist or "no artist" for artist in self.series.artists))
        if not self._by_artist:
            columns = ("picture", tuple(f"no. {number + 1}" for number in range(self.series.count)))
        return SheetRecord(
            SheetAxis("extension" if any(row.rank for row in self.series.rows) else "prompt", rows), SheetAxis(*columns),
            tuple(tuple(across) for across in cells),
        )  # fmt: skip

    @property
    def _places(self) -> list[list[int]]:
        """The place of each cell's painting among the requests."""
        artists, count = len(self.series.artists), self.series.count
        if not self._by_artist:
            return [[row * count + number for number in range(count)] for row in range(len(self.series.rows))]
        return [
            [(row * artists + artist) * count + number for artist in range(artists)]
            for row in range(len(self.series.rows))
            for number in range(count)
        ]

    def _row_titles(self, seeds: Sequence[int]) -> list[str]:
        if not self._by_artist or self.series.count == 1:
            return []
        return [_shared_seed([seeds[place] for place in across]) for across in self._places]

    def _column_titles(self, seeds: Sequence[int]) -> list[str]:
        if self._by_artist:
            return [artist or "no artist" for artist in self.series.artists]
        if self.series.count == 1:
            return []
        return [_shared_seed([seeds[place] for place in down]) for down in zip(*self._places, strict=True)]

    @property
    def _title(self) -> str:
        condition = self.series.requests[0].condition
        shared = replace(condition, caption=" ".join(self.series.prompt.split()), artist=self.series.artists[0])
        return (replace(shared, artist="") if self._by_artist else shared).text()

    @property
    def _legend(self) -> str:
        first = self.series.requests[0]
        seeds = {request.seed for request in self.series.requests}
        words = [
            f"seed {first.seed}" if len(seeds) == 1 else "", first.sampler, f"{first.steps} steps",
            f"guidance {first.guidance:g}", f"guider {first.guider}" if first.guider != "cfg" else "",
            f"not: {first.negative}" if first.negative else "",
        ]  # fmt: skip
        return ", ".join(word for word in words if word)


def _shared_seed(seeds: Sequence[int]) -> str:
    """The seed that all pictures of a line have; "" if each was chosen from seeds of its own."""
    return f"seed {seeds[0]}" if len(set(seeds)) == 1 else ""
