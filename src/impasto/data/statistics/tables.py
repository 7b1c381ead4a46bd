"""Converts a catalogue's statistics to tables, for the terminal and as CSV files."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.data.statistics.counts import TOPS, CatalogueStatistics
from impasto.data.statistics.published_numbers import Comparison
from impasto.files import write_atomically


@dataclass(frozen=True)
class StatisticsTable:
    """One table. `name` is the file's name without its suffix."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str | int, ...]]


def statistics_tables(found: CatalogueStatistics, comparison: Sequence[Comparison] = ()) -> list[StatisticsTable]:
    """Returns all tables that are not empty. Shares are in per cent of the paintings."""

    def counted(name: str, heading: str, counts: Sequence[tuple[str | int, int]]) -> StatisticsTable:
        rows = [(what, count, f"{100 * count / found.paintings:.2f}") for what, count in counts]
        return StatisticsTable(name, (heading, "paintings", "%"), rows)

    tops = [(f"top {top}", sum(count for _, count in found.artists[:top])) for top in TOPS] if found.artists else []
    tables = [
        counted("artists", "artist", found.artists),
        counted("shares", "artists", tops),
        counted("styles", "style", found.styles),
        counted("genres", "genre", found.genres),
        counted("decades", "decade", found.decades),
        counted("sizes", "longer side (px)", found.sides),
        counted("captions", "words of the caption", found.words),
        counted("licenses", "license", found.licenses),
        counted("sources", "source", found.sources),
        counted("missing", "column", found.missing),
    ]
    if comparison:
        rows = [(row.what, row.here, row.published, "equal" if row.equal else "differs") for row in comparison]
        tables.append(StatisticsTable("wu2022", ("number", "here", "wu2022", ""), rows))
    return [table for table in tables if table.rows]


def write_tables(tables: Sequence[StatisticsTable], folder: Path) -> list[Path]:
    """Writes each table as `folder/NAME.csv`, in UTF-8 with a header row, and returns the paths."""
    written = []
    for table in tables:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.header)
        writer.writerows(table.rows)
        path = folder / f"{table.name}.csv"
        write_atomically(path, text.getvalue().encode("utf-8", "replace"))
        written.append(path)
    return written
