"""The job `grid`: paints a sheet in which one setting changes from row to row and another from column to column."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.context import Context
from impasto.jobs.painting.grid_axes import Axis, cross
from impasto.jobs.painting.grid_cells import missing_cells, paint_cells, plan_cells
from impasto.jobs.painting.grid_sheet import SheetPlan, check_sheet_place
from impasto.jobs.painting.paint import check_batch
from impasto.jobs.painting.picture import Picture, PictureJob

if TYPE_CHECKING:
    from impasto.painting.sheets.record import SheetAxis


@dataclass(frozen=True)
class PaintedSheet:
    """A saved sheet.

    Attributes:
        path: the sheet's file.
        rows, columns: the axes.
        cells: the cells' files, row by row.
        folder: the folder of the cells.
        painted, kept: the numbers of different cells that were painted now, and that existed before.
        seconds: seconds that the job took.
    """

    path: Path
    rows: "SheetAxis"
    columns: "SheetAxis"
    cells: list[list[Path]]
    folder: Path
    painted: int
    kept: int
    seconds: float


class GridJob(PictureJob):
    """Paints a sheet of all combinations of two axes. The picture's own fields apply to every cell; the default seed is 1.

    Attributes:
        rows, columns: "AXIS=VALUES"; see `Axis.parse`.
        prompts: a file with one prompt per line; each gives a row.
        artists: "A,B" or "@FILE"; each artist gives a column.
        out: the sheet, .png, .webp or .pdf; its cells are saved beside it in NAME-cells.
        overwrite: replaces a file that is no sheet.
        cell: pixels of a cell's longer side in the sheet; None for the size of the painting.
        title: the text above the sheet; "" for none, None for the text that all cells share.
        legend: whether axes and settings are printed below the sheet.
        batch: number of cells that are painted at once; None for as many as fit.
    """

    kind: ClassVar[str] = "grid"

    rows: str = ""
    columns: str = ""
    prompts: str = ""
    artists: str = ""
    out: Path = Path("grid.png")
    overwrite: bool = False
    cell: int | None = None
    title: str | None = None
    legend: bool = True
    batch: int | None = None

    @model_validator(mode="after")
    def _check(self) -> "GridJob":
        check_batch(self.batch)
        return self

    @property
    def is_whole(self) -> bool:
        """False, see `PictureJob.is_whole`: cells are checked one by one, before the first one is painted."""
        return False

    @property
    def picture(self) -> Picture:
        """The settings that all cells share."""
        return Picture(**{name: getattr(self, name) for name in Picture.model_fields})

    def run(self, context: Context) -> PaintedSheet:
        """Paints the missing cells and draws the sheet.

        Raises:
            UsageError, MissingPart, ImpastoError: an axis or a value is invalid; the job `paint` of a cell would raise it;
                the sheet cannot be written.
            StoppedError: the job was stopped; painted cells are kept.
        """
        started = time.monotonic()
        down, across = choose_axes(self.rows, self.columns, self.prompts, self.artists)
        check_sheet_place(self.out, self.overwrite)
        folder = self.out.with_name(f"{self.out.stem}-cells")
        cells = plan_cells(cross(down, across, self.picture), folder, context)
        plan = SheetPlan.of(down, across, cells, side=self.cell, title=self.title, legend=self.legend)
        plan.check(self.out)
        files = {one.file for row in cells for one in row}
        missing = missing_cells(cells)
        painted = 0
        try:
            context.progress("loading", 0.0)
            for _ in paint_cells(missing, batch=self.batch, context=context):
                painted += 1
            context.progress("drawing the sheet", 1.0)
            plan.save(self.out)
        except KeyboardInterrupt:
            kept = len(files) - len(missing) + painted
            raise StoppedError(f"stopped: {kept} of {len(files)} cells are painted and kept in {folder}") from None
        finally:
            with suppress(OSError):
                folder.rmdir()  # succeeds only if the folder is empty
        seconds = time.monotonic() - started
        context.picture_done(self.out, seconds, painted=painted, kept=len(files) - painted)
        return PaintedSheet(
            self.out, plan.record.rows, plan.record.columns, [[one.file for one in row] for row in cells], folder, painted,
            len(files) - painted, seconds,
        )  # fmt: skip


def choose_axes(rows: str, columns: str, prompts: str, artists: str) -> tuple[Axis, Axis]:
    """Returns the axes of the rows and of the columns.

    `prompts` become the rows if these are free, `artists` become the columns if these are free. A side without an axis has
    one value, which changes nothing.

    Raises:
        UsageError: there is no axis, or more than two.
    """
    given = {"rows": rows, "columns": columns}
    chosen = {side: Axis.parse(f"--{side}", text) if text else None for side, text in given.items()}
    short = (
        ("--prompts", "prompt", prompts and f"@{prompts.removeprefix('@')}", ("rows", "columns")),
        ("--artists", "artist", artists, ("columns", "rows")),
    )
    for option, name, values, wishes in short:
        if not values:
            continue
        place = next((side for side in wishes if chosen[side] is None), None)
        if place is None:
            raise UsageError(f"{option} would be a third axis, and a sheet has two: leave one away")
        chosen[place] = Axis.parse(option, f"{name}={values}")
    if not any(chosen.values()):
        raise UsageError('a sheet needs an axis: give --prompts FILE --artists "A,B", or --rows seed=1-4 and the like')
    return chosen["rows"] or Axis(), chosen["columns"] or Axis()
