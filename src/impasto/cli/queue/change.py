"""`impasto queue pause`, `resume`, `cancel`, `retry`, `move` and `clear`."""

from typing import Annotated

import typer

from impasto.cli.console import say, say_note
from impasto.cli.queue.opening import Numbers, WorkspaceFolder, open_queue
from impasto.errors import UsageError


def pause(jobs: Numbers = None, workspace: WorkspaceFolder = None) -> None:
    """Let jobs wait, also running ones; without a number the whole queue: nothing else begins."""
    queue = open_queue(workspace)
    if not jobs:
        say("the queue is paused" if queue.pause_all() else "the queue was paused already")
    for number in jobs or ():
        say(f"job {number} pauses" if queue.pause(number) else f"job {number} was paused already")


def resume(jobs: Numbers = None, workspace: WorkspaceFolder = None) -> None:
    """Let paused jobs go on; without a number the whole queue."""
    queue = open_queue(workspace)
    if not jobs:
        say("the queue goes on" if queue.pause_all(False) else "the queue was not paused")
    for number in jobs or ():
        say(f"job {number} goes on" if queue.resume(number) else f"job {number} was not paused")


def cancel(
    jobs: Numbers = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait; running ones go on.")] = False,
    workspace: WorkspaceFolder = None,
) -> None:
    """Cancel jobs; what a running one has finished is kept."""
    if bool(jobs) == every:
        raise UsageError("name jobs by their numbers, or --all for all that wait")
    queue = open_queue(workspace)
    if every:
        say(f"{queue.cancel_waiting()} jobs cancelled")
    for number in jobs or ():
        say(f"job {number} cancelled" if queue.cancel(number) else f"job {number} is {queue.job(number).state} already")


def retry(
    jobs: Numbers = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
    workspace: WorkspaceFolder = None,
) -> None:
    """Try failed or cancelled jobs again; what they have finished is kept."""
    from impasto.queue.records import State

    if bool(jobs) == failed:
        raise UsageError("name jobs by their numbers, or --failed for all that failed")
    queue = open_queue(workspace)
    numbers = jobs or [job.id for job in reversed(queue.jobs([State.FAILED], most=100_000))]
    for number in numbers:
        queue.retry(number)
        say(f"job {number} waits again")
    if not numbers:
        say_note("no job has failed")


def move(
    job: Annotated[int, typer.Argument(help="The job's number.", metavar="JOB")],
    front: Annotated[bool, typer.Option("--front", help="Before the others of its priority.")] = False,
    before: Annotated[int | None, typer.Option(help="Before this job.", metavar="JOB")] = None,
    priority: Annotated[int | None, typer.Option("--priority", "-p", help="-1000 to 1000; higher ones run first.")] = None,
    workspace: WorkspaceFolder = None,
) -> None:
    """Change the place of a waiting job; without an option it goes to the end."""
    if before is not None and (front or priority is not None):
        raise UsageError("--before settles the place: leave --front and --priority out")
    queue = open_queue(workspace)
    queue.move(job, before=before, front=front, priority=priority)
    say(f"job {job}: {queue.place(job)} before it")


def clear(jobs: Numbers = None, workspace: WorkspaceFolder = None) -> None:
    """Forget ended jobs, all or those named; pictures stay."""
    queue = open_queue(workspace)
    gone = sum(queue.clear(number) for number in jobs) if jobs else queue.clear()
    say(f"{gone} jobs cleared")
