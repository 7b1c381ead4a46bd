"""`impasto data import-captions`: merges published captions into a catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.data.annotations.imported_captions import CaptionImport


def import_captions(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    table: Annotated[
        Path,
        typer.Argument(
            help="captions.csv, .tsv, .jsonl, .json or .parquet: file names or hashes, and captions.", metavar="TABLE"
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            help="person, or a machine's name; if not given, what the rows say, else TABLE's name.", metavar="NAME"
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let a person's captions replace decisions of this catalogue's review.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be merged.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Merge published captions, by file name or content hash, as what a person or a named machine says."""
    from impasto.jobs.data.import_captions import ImportCaptionsJob

    job = ImportCaptionsJob(catalogue=catalogue, table=table, by=by, replace=replace, dry_run=dry_run)
    outcome: CaptionImport = run_job(job, begin="matching")
    if as_json:
        say_json({
            "rows": outcome.rows, "matched": outcome.matched, "new": outcome.new, "already": outcome.already,
            "behind_metadata": outcome.behind, "by": outcome.by, "pictures_without_a_row": outcome.lacking,
            "unmatched": [vars(row) for row in outcome.unmatched],
            "further": [vars(row) for row in outcome.further], "kept": [vars(row) for row in outcome.kept],
        })  # fmt: skip
        return
    would = "would be " if dry_run else ""
    say(f"{outcome.rows} rows: {outcome.matched} matched, {len(outcome.unmatched)} not used")
    by_whom = ", ".join(f"{count} by {name}" for name, count in outcome.by.items())
    parts = [f"{outcome.new} {would}new or changed", f"{outcome.already} already there"]
    if outcome.kept:
        parts.append(f"{len(outcome.kept)} left to the review")
    if outcome.behind:
        parts.append(f"{outcome.behind} behind a text of the metadata, which goes first")
    say(f"pictures: {', '.join(parts)}" + (f" ({by_whom})" if by_whom else "") + f"; {outcome.lacking} have no row")
