"""What the verbs of `impasto queue` share: the option of the workspace, and how a job is told in one line."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from impasto.queue.records import QueuedJob
    from impasto.queue.store import Queue

WorkspaceFolder = Annotated[
    Path | None,
    typer.Option("--workspace", help="The folder of queue, gallery and pictures.", metavar="FOLDER",
                 show_default="$IMPASTO_WORKSPACE, else the user's data folder"),
]  # fmt: skip
Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of jobs.", metavar="[JOB]...")]


def open_queue(folder: Path | None) -> "Queue":
    """Opens the queue of a workspace."""
    from impasto.queue.store import Queue
    from impasto.workspace import Workspace

    return Queue.open(Workspace.open(folder))


def state_words(job: "QueuedJob") -> str:
    """Returns the state, with what is asked of the job but not yet done."""
    if job.stopping == "cancel":
        return f"{job.state}, cancelling"
    return f"{job.state}, {'pausing' if job.state == 'running' else 'paused'}" if job.paused else str(job.state)


def parts(job: "QueuedJob") -> str:
    """Returns how many parts are done: "3/500", with the failed ones."""
    failed = f", {job.units_failed} failed" if job.units_failed else ""
    return f"{job.units_done}/{job.units}{failed}"


def when(seconds: float | None) -> str:
    """Returns a time as local date and time; "" for none."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
