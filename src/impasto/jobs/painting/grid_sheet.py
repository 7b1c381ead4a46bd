"""Composes the cells of a sheet into one file; titles, legend and layout are checked before the first cell is painted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.jobs.disk import check_writable
from impasto.jobs.painting.grid_axes import Axis
from impasto.jobs.painting.grid_cells import Cell

if TYPE_CHECKING:
    from impasto.painting.sheets.layout import Sheet
    from impasto.painting.sheets.record import SheetRecord

SMALLEST_CELL, LARGEST_CELL = 16, 4096


@dataclass(frozen=True)
class SheetPlan:
    """A sheet that can be drawn once its cells are painted.

    Attributes:
        cells: the cells, row by row.
        record: the provenance record of the sheet.
        layout: the layout of the sheet.
    """

    cells: Sequence[Sequence[Cell]]
    record: "SheetRecord"
    layout: "Sheet"

    @classmethod
    def of(
        cls, rows: Axis, columns: Axis, cells: Sequence[Sequence[Cell]], *, side: int | None, title: str | None, legend: bool
    ) -> "SheetPlan":
        """Plans a sheet of cells in rows and columns along these axes.

        Args:
            rows, columns: the axes.
            cells: the cells, row by row.
            side: pixels of the longer side of a cell in the sheet; None for the size of the largest painting.
            title: the text above the sheet; None for the text that all cells share.
            legend: whether axes, settings and checkpoint are printed below.

        Raises:
            UsageError: `side` is out of its range.
        """
        from impasto.painting.sheets.layout import Sheet
        from impasto.painting.sheets.record import SheetAxis, SheetRecord

        if side is not None and not SMALLEST_CELL <= side <= LARGEST_CELL:
            raise UsageError(f"cell {side}: use {SMALLEST_CELL} to {LARGEST_CELL} pixels")
        record = SheetRecord(
            SheetAxis(rows.name, _titles(rows, [row[0] for row in cells])),
            SheetAxis(columns.name, _titles(columns, cells[0])),
            tuple(tuple(cell.record for cell in row) for row in cells),
        )
        largest = [max(getattr(cell.request, name) for row in cells for cell in row) for name in ("width", "height")]
        share = 1.0 if side is None else side / max(largest)
        layout = Sheet(
            len(cells),
            len(cells[0]),
            (max(1, round(largest[0] * share)), max(1, round(largest[1] * share))),
            row_titles=record.rows.titles if rows.name else (),
            column_titles=record.columns.titles if columns.name else (),
            title=_shared_words(record) if title is None else title,
            legend=_legend(record) if legend else "",
        )
        return cls(cells, record, layout)

    def check(self, out: Path) -> None:
        """Raises UsageError if the file format of `out` cannot hold the sheet."""
        from impasto.painting.sheets.file import check_size

        check_size(out, *self.layout.size)
        self.record.to_json()

    def save(self, out: Path) -> None:
        """Draws the sheet from the files of its cells and writes it with their provenance records.

        Raises:
            ImpastoError: a cell's file is missing or broken, or the sheet cannot be written.
        """
        from dataclasses import replace

        from impasto.painting.provenance.record import Provenance, read_provenance
        from impasto.painting.sheets.file import save_sheet

        said = {cell.file: read_provenance(cell.file) for row in self.cells for cell in row}
        records = {file: record for file, record in said.items() if isinstance(record, Provenance)}
        image = self.layout.draw([[cell.file for cell in row] for row in self.cells])
        save_sheet(image, replace(self.record, cells=tuple(tuple(records[c.file] for c in row) for row in self.cells)), out)


def check_sheet_place(out: Path, overwrite: bool, option: str = "--out") -> None:
    """Raises UsageError or ImpastoError if the sheet cannot be written or would replace a file that is no sheet."""
    from impasto.painting.sheets.file import check_suffix, is_sheet

    check_suffix(out)
    if not out.parent.is_dir():
        raise UsageError(f"{option} {out}: there is no folder {out.parent}")
    if out.exists() and not overwrite and not is_sheet(out):
        replace = ", or add --overwrite" if option == "--out" else ""
        raise UsageError(f"{out} is there already and is no sheet: choose another name{replace}")
    check_writable(out.parent)


def _titles(axis: Axis, cells: Sequence[Cell]) -> tuple[str, ...]:
    """A title for each value of an axis; artists get their full names from the first cell with this value."""
    if axis.name != "artist":
        return tuple(axis.title(value) for value in axis.values)
    return tuple(cell.request.condition.artist or "no artist" for cell in cells)


def _shared_words(record: "SheetRecord") -> str:
    """The text or prompt that all cells share; "" if there is none."""
    shared = record.shared()
    return str(shared.get("text") or shared.get("prompt") or "")


def _legend(record: "SheetRecord") -> str:
    """The axes, and the settings that all cells share."""
    shared, first = record.shared(), record.cells[0][0]
    axes = (("rows", record.rows.name), ("columns", record.columns.name))
    words = [f"{place}: {name}" for place, name in axes if name]
    words += [f"not: {first.negative}"] if shared.get("negative") else []
    told = {
        "seed": f"seed {first.seed}",
        "sampler": first.sampler,
        "steps": f"{first.steps} steps",
        "guidance": f"guidance {first.guidance:g}",
        "guider": f"guider {first.guider}" if first.guider != "cfg" else "",
        "eta": f"eta {first.eta:g}" if first.eta else "",
        "width": f"{first.width} x {first.height} px",
        "loras": ", ".join(f"LoRA {lora.name}:{lora.scale:g}" for lora in first.loras),
        "concepts": ", ".join(f"concept {concept.name}" for concept in first.concepts),
        "checkpoint_hash": f"checkpoint {first.checkpoint} {first.checkpoint_hash[:10]}",
        "version": f"impasto {first.version}",
    }
    return ", ".join([*words, *(text for name, text in told.items() if text and name in shared)])
