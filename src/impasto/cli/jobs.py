"""`impasto jobs`: what runs on the fleet, where, and how far it is."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import one_line, say_json, say_note, say_table
from impasto.cli.fleet_options import fleet_words
from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.fleet.status import Status

# What a user types for the kinds whose names are others.
_VERBS = {
    "caption": "data caption", "tag": "data tag", "batch": "paint", "train/wang2023-artists": "train wang2023-artist",
    "train/wang2023-masters": "train wang2023-masters", "reproduce/wang2023": "reproduce wang2023",
}  # fmt: skip
_HEADS = (
    "job", "of", "where", "state", "done", "step", "rows/s", "workers", "lost", "sent again", "process", "since", "until",
    "error",
)  # fmt: skip
_SHORT_HEADS = ("job", "state", "done", "step", "rows/s", "until")
_STEP = 3  # its column gives way to the others
_NARROWEST = 10
_DAY = "%m-%d %H:%M"  # of the last day or the next ones: without the year
_LOST = "its process is gone: the same command goes on from what is kept"


def jobs(
    workspace: Annotated[
        Path | None, typer.Option(help="The workspace.", metavar="DIR", show_default="the usual one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a job.")] = False,
) -> None:
    """Show the jobs that were started with --on: those that run, and those that ended in the last day.

    Ctrl-C in such a job asks it to stop: the units in work are finished and kept. A second Ctrl-C stops at once. The same
    command goes on from what is kept.
    """
    from impasto.fleet.status import read_statuses
    from impasto.workspace import usual_workspace

    folder = usual_workspace() if workspace is None else workspace.expanduser()
    if workspace is not None and not folder.is_dir():
        raise UsageError(f"--workspace {workspace}: there is no such folder")
    found = read_statuses(folder)
    if as_json:
        for one in found:
            say_json(asdict(one), indent=None)
    elif found and sys.stdout.isatty():
        _show(found)
    elif found:
        say_table(_HEADS, [_HEADS, *map(_cells, found)])
    if not found:
        say_note(f"no job with --on runs in {folder}, or ended there in the last day")


def _show(found: Sequence["Status"]) -> None:
    """Prints a line for each job, which fits into the terminal, and indented below it what else is known."""
    from rich.cells import set_cell_size
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console()
    rows = [_SHORT_HEADS, *(_short_cells(one) for one in found)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_SHORT_HEADS))]
    others = sum(widths) - widths[_STEP] + 2 * (len(widths) - 1)
    widths[_STEP] = min(widths[_STEP], max(_NARROWEST, console.width - others))

    def line(cells: Sequence[str]) -> str:
        parts = (
            set_cell_size(cell if len(cell) <= width else f"{cell[: width - 1]}…", width)
            for cell, width in zip(cells, widths, strict=True)
        )
        return "  ".join(parts).rstrip()

    def say_line(text: str, style: str = "") -> None:
        console.print(Text(text, style), no_wrap=True, overflow="ellipsis", highlight=False)

    say_line(line(_SHORT_HEADS), "bold")
    for one, cells in zip(found, rows[1:], strict=True):
        say_line(line(cells))
        step = [cells[_STEP]] if len(cells[_STEP]) > widths[_STEP] else []
        for text in step + _below(one):
            console.print(Padding(Text(text), (0, 0, 0, 2)), highlight=False)


def _below(one: "Status") -> list[str]:
    """Returns what stands below a job's line: of what, where, its workers and since when; and why it ended."""
    figures = {"workers": one.workers, "lost_workers": one.lost_workers, "retries": one.retries}
    since = f"since {_moment(one.started, _DAY)}"
    lines = [one_line(one.title), f"on {one.place}, {fleet_words(figures)}, {since}, process {one.pid} on {one.host}"]
    if one.error:
        lines.append(f"error: {one_line(one.error)}")
    elif one.state == "lost":
        lines.append(f"note: {_LOST}")
    return [line for line in lines if line]


def _short_cells(one: "Status") -> tuple[str, ...]:
    cells = _verb(one), one.state, f"{one.share:.0%}", one.stage, _speed(one), _moment(_until(one), _DAY)
    return tuple(map(one_line, cells))


def _cells(one: "Status") -> tuple[object, ...]:
    return (
        _verb(one), one.title, one.place, one.state, f"{one.share:.0%}", one.stage, _speed(one), one.workers,
        one.lost_workers, one.retries, f"{one.host}:{one.pid}", _moment(one.started), _moment(_until(one)), one.error,
    )  # fmt: skip


def _verb(one: "Status") -> str:
    return _VERBS.get(one.kind, one.kind)


def _speed(one: "Status") -> str:
    return f"{one.rows_per_second:.3g}" if one.rows_per_second < 1000 else f"{one.rows_per_second:.0f}"


def _until(one: "Status") -> float | None:
    """When it ended or was last heard of; of a job that runs, when it may end."""
    return one.ends if one.state == "running" else one.seen


def _moment(seconds: float | None, shape: str = "%Y-%m-%d %H:%M") -> str:
    return "" if seconds is None else time.strftime(shape, time.localtime(seconds))
