"""`impasto jobs`: what runs on the fleet, where, and how far it is."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say_json, say_table


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
    from impasto.workspace import Workspace

    found = read_statuses(Workspace.open(workspace))
    if as_json:
        for one in found:
            say_json(asdict(one), indent=None)
        return
    rows = [
        (
            one.kind, one.title, one.place, one.state if not one.error else f"{one.state}: {one.error}",
            f"{one.share:.0%}", one.stage, f"{one.rows_per_second:.3g}", one.workers, one.lost_workers, one.retries,
            f"{one.host}:{one.pid}", _moment(one.started), _moment(one.ends if one.state == "running" else one.seen),
        )
        for one in found
    ]  # fmt: skip
    heads = (
        "job", "of", "where", "state", "done", "step", "rows/s", "workers", "lost", "sent again", "process", "since",
        "until",
    )  # fmt: skip
    say_table(heads, rows)


def _moment(seconds: float | None) -> str:
    """Returns the day and the minute; of a job that runs, "until" is the expected one."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
