"""`impasto data export`: a catalogue in the shapes that others read."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto.cli.console import progress_bar, say, say_note
from impasto.errors import StoppedError, UsageError

_MOST_NOTES = 20


def export(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    to: Annotated[
        Literal["captions.csv", "imagefolder", "webdataset", "parquet"],
        typer.Option(help="Captions without pictures, a folder, tar shards, or parquet as the hub has it."),
    ],
    out: Annotated[Path, typer.Option(help="The file (captions.csv) or folder to write.", metavar="PATH")],
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures in one file of webdataset and parquet.")] = 1000,
    copy: Annotated[bool, typer.Option("--copy", help="Copy pictures into an imagefolder, in place of hard links.")] = False,
    check: Annotated[bool, typer.Option(help="Decode every picture first; broken ones and duplicates are left out.")] = True,
) -> None:
    """Write what is neither rejected nor dropped, with captions, tags and decisions merged in."""
    if not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    from impasto.data.exporting.exporter import ExportChoices, export_catalogue

    choices = ExportChoices(force=force, shard_size=shard_size, copy=copy, check_images=check)
    try:
        with progress_bar("checking", 1.0) as update:
            summary = export_catalogue(
                catalogue,
                to,
                out,
                choices,
                lambda stage, done, of: update(f"{stage} {done} of {of} pictures", done / of),
            )
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: {out} is as it was") from None
    for skipped in (*summary.report.warnings, *summary.report.skipped)[:_MOST_NOTES]:
        say_note(f"{skipped.file_name}: {skipped.reason}")
    left_out = len(summary.report.skipped)
    say(f"{out}: {summary.pictures} pictures" + (f", {left_out} left out" if left_out else ""))
