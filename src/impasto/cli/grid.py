"""`impasto grid`: a sheet of paintings, one thing changed from row to row and another from column to column."""

import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import StoppedError, progress_bar, say, say_json
from impasto.cli.grid_axes import AXES, Axis, cross
from impasto.cli.grid_cells import missing_cells, paint_cells, plan_cells
from impasto.cli.grid_sheet import SheetPlan
from impasto.cli.output import check_writable
from impasto.cli.paint import Batch, check_batch
from impasto.cli.picture_options import PictureOptions, with_picture
from impasto.errors import UsageError

_option = partial(typer.Option, rich_help_panel="Sheet")


@with_picture
def grid(
    *,
    picture: PictureOptions,
    rows: Annotated[
        str,
        _option(
            metavar="AXIS=VALUES",
            help=f"What changes from row to row, and to what. Axes: {', '.join(AXES)}. Values are parted by commas (texts by"
            " semicolons); 1-8 and 10-50:10 count; @FILE holds one a line; none leaves an artist, a LoRA ... away.",
        ),
    ] = "",
    columns: Annotated[str, _option(metavar="AXIS=VALUES", help="The same from column to column.")] = "",
    prompts: Annotated[str, _option(metavar="FILE", help="A row for each prompt: --rows prompt=@FILE.")] = "",
    artists: Annotated[
        str, _option(metavar="NAMES", help='A column for each: --columns artist="A,B"; or @FILE.')
    ] = "",
    out: Annotated[
        Path, _option(help="The sheet: .png, .webp or .pdf; its cells lie beside it in NAME-cells.")
    ] = Path("grid.png"),
    overwrite: Annotated[bool, _option("--overwrite", help="Replace a file that is no sheet.")] = False,
    cell: Annotated[
        int | None, _option(help="Pixels of a cell's longer side in the sheet.", show_default="its painting's")
    ] = None,
    title: Annotated[
        str | None, _option(help="The words above; '' for none.", show_default="what all cells show")
    ] = None,
    legend: Annotated[bool, _option(help="Axes, settings and checkpoint in words below.")] = True,
    batch: Batch = None,
    as_json: Annotated[bool, _option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Paint a sheet of all combinations of two things: prompts and artists, samplers and steps, any two axes.

    Painted cells are kept: after a stop, or with more rows, the same command paints only what is missing.
    """
    started = time.monotonic()
    check_batch(batch)
    down, across = _choose_axes(rows, columns, prompts, artists)
    _check_place(out, overwrite)
    folder = out.with_name(f"{out.stem}-cells")
    cells = plan_cells(cross(down, across, picture), folder)
    plan = SheetPlan.of(down, across, cells, side=cell, title=title, legend=legend)
    plan.check(out)
    files = {one.file for row in cells for one in row}
    missing = missing_cells(cells)
    painted = 0
    try:
        with progress_bar("loading", 1.0) as update:

            def tell(share: float) -> None:
                update(f"{painted + 1} of {len(missing)} cells", share)

            for _ in paint_cells(missing, batch=batch, on_share=tell):
                painted += 1
            update("drawing the sheet", 1.0)
            plan.save(out)
    except KeyboardInterrupt:
        kept = len(files) - len(missing) + painted
        raise StoppedError(f"stopped: {kept} of {len(files)} cells are painted and kept in {folder}") from None
    finally:
        with suppress(OSError):
            folder.rmdir()  # only where it stayed empty
    seconds = time.monotonic() - started
    if as_json:
        axes = {"rows": asdict(plan.record.rows), "columns": asdict(plan.record.columns)}
        counts = {"painted": painted, "kept": len(files) - painted, "seconds": round(seconds, 2)}
        say_json({"file": out, **axes, **counts, "cells": [[one.file for one in row] for row in cells]}, indent=None)
    else:
        size = f"{len(cells)} x {len(cells[0])} cells"
        say(f"{out}  {size}: {painted} painted, {len(files) - painted} kept in {folder}  {seconds:.1f} s")


def _choose_axes(rows: str, columns: str, prompts: str, artists: str) -> tuple[Axis, Axis]:
    """What changes from row to row and from column to column. `--prompts` takes the rows where they are free, `--artists`
    the columns; a side without an axis has one value, which changes nothing.

    Raises:
        UsageError: no axis, or more than two.
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


def _check_place(out: Path, overwrite: bool) -> None:
    """Raises UsageError or ImpastoError where the sheet cannot be written, or would replace what is none of ours."""
    from impasto.painting.sheets.file import check_suffix, is_sheet

    check_suffix(out)
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    if out.exists() and not overwrite and not is_sheet(out):
        raise UsageError(f"{out} is there already and is no sheet: choose another name, or add --overwrite")
    check_writable(out.parent)
