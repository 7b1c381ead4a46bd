"""`impasto data stats`: prints statistics of a catalogue, or of WikiArt's lists beside the paper's numbers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.events import Event


def stats(
    place: Annotated[
        Path, typer.Argument(help="A catalogue, or a folder with WikiArt's lists (style_train.csv).", metavar="CATALOGUE")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write each table as CSV, and the figures as PNG, into this folder.", metavar="DIR")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many artists and sources to print; the CSV has all.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count artists, styles, genres, years, sizes, captions, licences, sources, and what is missing."""
    from impasto.jobs.data.statistics import Statistics, StatisticsJob
    from impasto.jobs.events import Figures

    figures: dict[str, Any] = {}
    later: list[str] = []

    def on_event(event: "Event") -> None:
        if isinstance(event, Figures):
            figures.update(event.values)

    def on_note(text: str) -> None:
        if figures:
            later.append(text)
        else:
            say_note(text)

    try:
        statistics: Statistics = run_job(
            StatisticsJob(place=place, out=out), begin="reading", on_event=on_event, on_note=on_note
        )
    finally:
        # The counts are printed even if the files cannot be written.
        if as_json and figures:
            say_json(figures)
        elif figures:
            _print(figures, top)
        for text in later:
            say_note(text)
    if out is not None and not as_json:
        say(f"{out}: {', '.join(path.name for path in statistics.files) or 'nothing to write'}")


def _print(figures: dict[str, Any], top: int) -> None:
    """Prints all tables, then the counts in one line. Through a pipe, each row begins with its table's name."""
    tables: dict[str, list[dict[str, object]]] = {name: rows for name, rows in figures.items() if name != "paintings"}
    for name, all_rows in tables.items():
        header = tuple(all_rows[0])
        rows = [tuple(row.values()) for row in (all_rows[:top] if name in ("artists", "sources") else all_rows)]
        if sys.stdout.isatty():
            say_table(header, rows)
            say("")
        else:
            say_table(("", *header), [(name, *row) for row in rows])
    counts = [f"{figures['paintings']} paintings"]
    counts += [f"{len(tables.get(name, []))} {name}" for name in ("artists", "styles", "genres")]
    counts += [f"{len(tables[name])} {name}" for name in ("licenses", "sources") if name in tables]
    say(", ".join(counts))
