"""`impasto data stats`: what a catalogue holds, in tables and figures; WikiArt's own lists beside the paper's numbers."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import progress_bar, say, say_json, say_note, say_table
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.data.statistics.tables import StatisticsTable

_MOST_NOTES = 20


def stats(
    place: Annotated[
        Path, typer.Argument(help="A catalogue, or a folder with WikiArt's lists (style_train.csv).", metavar="CATALOGUE")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write each table as CSV, and the figures as PNG, into this folder.", metavar="DIR")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many artists to print; the CSV has all.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count artists, styles, genres, years, sizes, captions, and what is missing."""
    if not place.is_dir():
        raise UsageError(f"{place}: there is no such folder")
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is not a folder")
    from impasto.data.importing.wikiart import find_lists
    from impasto.data.statistics.counts import catalogue_statistics, list_statistics
    from impasto.data.statistics.published_numbers import WU2022, compare
    from impasto.data.statistics.tables import statistics_tables, write_tables

    is_catalogue = any((place / name).exists() for name in ("metadata.jsonl", "metadata.csv"))
    lists = None if is_catalogue else find_lists(place)
    if lists is not None:
        found = list_statistics(lists)
        comparison = compare(found, WU2022)
    else:
        with progress_bar("reading", 1.0) as update:
            found = catalogue_statistics(place, lambda done, of: update(f"{done} of {of} pictures", done / of))
        comparison = []
    for skipped in (*found.report.warnings, *found.report.skipped)[:_MOST_NOTES]:
        say_note(f"{skipped.file_name}: {skipped.reason}")
    tables = statistics_tables(found, comparison)
    if as_json:
        named = {t.name: [dict(zip(t.header, row, strict=True)) for row in t.rows] for t in tables}
        say_json({"paintings": found.paintings, **named})
    else:
        _print(tables, top)
        counts = ((len(found.artists), "artists"), (len(found.styles), "styles"), (len(found.genres), "genres"))
        say(", ".join(f"{count} {what}" for count, what in ((found.paintings, "paintings"), *counts)))
    for row in comparison:
        if not row.equal:
            say_note(f"the lists differ from wu2022: {row.what} {row.here}, not {row.published}")
    if out is not None:
        from impasto.data.statistics.figures import write_figures

        out.mkdir(parents=True, exist_ok=True)
        written = [*write_tables(tables, out), *write_figures(found, out)]
        if not as_json:
            say(f"{out}: {', '.join(path.name for path in written)}")


def _print(tables: "Sequence[StatisticsTable]", top: int) -> None:
    """One table after the other; through a pipe each row begins with its table's name."""
    for table in tables:
        rows = table.rows[:top] if table.name == "artists" else table.rows
        if sys.stdout.isatty():
            say_table(table.header, rows)
            say("")
        else:
            say_table(("", *table.header), [(table.name, *row) for row in rows])
