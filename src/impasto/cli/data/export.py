"""`impasto data export`: writes a catalogue in the formats of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from impasto.cli.console import say
from impasto.cli.run_job import run_job
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.data.exporting.exporter import ExportSummary


def export(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    to: Annotated[
        Literal["captions.csv", "imagefolder", "webdataset", "shards", "parquet"],
        typer.Option(
            help="Captions without pictures, a folder, tar shards (shards: with manifest), or the hub's parquet."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(help="The file (captions.csv) or folder to write; for shards also s3://BUCKET/...", metavar="PATH"),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures in one file of webdataset, shards, parquet.")] = 1000,
    copy: Annotated[bool, typer.Option("--copy", help="Copy pictures into an imagefolder, in place of hard links.")] = False,
    check: Annotated[bool, typer.Option(help="Decode every picture first; broken ones and duplicates are left out.")] = True,
) -> None:
    """Write what is neither rejected nor dropped, with captions, tags and decisions merged in."""
    from impasto.jobs.data.export import ExportJob

    job = ExportJob(catalogue=catalogue, to=to, out=out, force=force, shard_size=shard_size, copies=copy, check_images=check)
    summary: ExportSummary = run_job(job, begin="checking")
    left_out = summary.report.left_out
    parts = [f"{summary.pictures} pictures"]
    if summary.without_text:
        parts.append(f"{summary.without_text} without a caption or tags have no row")
    if left_out:
        parts.append(f"{left_out} left out")
    say(f"{address_of(out) or out}: {', '.join(parts)}")
