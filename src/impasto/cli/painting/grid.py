"""`impasto grid`: paints a sheet in which one setting changes from row to row and another from column to column."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.paint import Batch
from impasto.cli.painting.picture_options import PictureOptions, with_picture
from impasto.cli.run_job import run_job

AXES = (
    "prompt, artist, year, style, genre, negative, expand, expand-rank, expand-seed, seed, sampler, steps, guidance, "
    "guider, guidance-interval, eta, size, checkpoint, concept, lora, memory, like, strength, "
    "cross-replace, self-replace, control-weight, guide, guide-weight, scale, weight"
)
_option = partial(typer.Option, rich_help_panel="Sheet")


@with_picture
def grid(
    *,
    picture: PictureOptions,
    rows: Annotated[
        str,
        _option(
            metavar="AXIS=VALUES",
            help=f"What changes from row to row, and to what. Axes: {AXES}. Values are parted by commas (texts by"
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
    from impasto.jobs.painting.grid import GridJob

    job = GridJob(
        **picture.fields(), rows=rows, columns=columns, prompts=prompts, artists=artists, out=out, overwrite=overwrite,
        cell=cell, title=title, legend=legend, batch=batch,
    )  # fmt: skip
    sheet = run_job(job)
    if as_json:
        axes = {"rows": asdict(sheet.rows), "columns": asdict(sheet.columns)}
        counts = {"painted": sheet.painted, "kept": sheet.kept, "seconds": round(sheet.seconds, 2)}
        say_json({"file": sheet.path, **axes, **counts, "cells": sheet.cells}, indent=None)
    else:
        size = f"{len(sheet.cells)} x {len(sheet.cells[0])} cells"
        say(f"{sheet.path}  {size}: {sheet.painted} painted, {sheet.kept} kept in {sheet.folder}  {sheet.seconds:.1f} s")
