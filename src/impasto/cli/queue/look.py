"""`impasto queue list` and `show`."""

import time
from dataclasses import asdict
from typing import Annotated

import typer

from impasto.cli.console import progress_bar, say, say_facts, say_json, say_note, say_table
from impasto.cli.queue.opening import WorkspaceFolder, open_queue, parts, state_words, when
from impasto.errors import ImpastoError, UsageError


def list_jobs(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended, newest first.")] = False,
    state: Annotated[
        list[str] | None, typer.Option(help="Only those: queued, running, done, failed, cancelled; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option("--most", "-n", help="How many at most.")] = 100,
    workspace: WorkspaceFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each job.")] = False,
) -> None:
    """List the jobs that run and wait, in the order in which they will run."""
    from impasto.queue.records import State

    if most < 1:
        raise UsageError(f"--most {most}: use 1 or more")
    try:
        states = [State(one) for one in state or ()]
    except ValueError:
        raise UsageError(f"--state {' '.join(state or ())}: use {', '.join(State)}") from None
    queue = open_queue(workspace)
    jobs = queue.jobs(states, most=most) if every or states else queue.waiting(most=most)
    if as_json:
        for job in jobs:
            say_json(asdict(job), indent=None)
        return
    rows = [(job.id, state_words(job), job.kind, parts(job), job.priority, job.title) for job in jobs]
    say_table(("job", "state", "kind", "parts", "priority", "what"), rows)
    counts = queue.counts()
    if counts.paused:
        say_note("the queue is paused: `impasto queue resume`")
    elif counts.queued and not queue.workers():
        say_note("no worker runs: `impasto queue work`")


def show(
    number: Annotated[int, typer.Argument(help="The job's number.", metavar="JOB")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; exit with 1 if it was not done.")] = False,
    workspace: WorkspaceFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job with its parts as JSON.")] = False,
) -> None:
    """Show a job: its state, what failed, and the pictures that it made."""
    import json

    from impasto.queue.reading import every_unit
    from impasto.queue.records import ENDED, State

    queue = open_queue(workspace)
    job = queue.job(number)
    if wait:
        with progress_bar(job.title, job.units) as update:
            while job.state not in ENDED:
                update(f"{job.title}: {state_words(job)}", job.units_done + job.units_failed)
                time.sleep(0.2)
                job = queue.job(number)
    units = list(every_unit(queue, number))
    if as_json:
        say_json({**asdict(job), "request": json.loads(queue.request(number)), "parts": [asdict(one) for one in units]})
    else:
        say_facts([
            ("job", job.id), ("kind", job.kind), ("what", job.title), ("state", state_words(job)), ("parts", parts(job)),
            ("priority", job.priority), ("before it", queue.place(number) or ""), ("attempts", job.attempts),
            ("error", job.error),
            ("asked", when(job.created_at)), ("begun", when(job.started_at)), ("ended", when(job.finished_at)),
        ])  # fmt: skip
        for one in units:
            for picture in one.pictures:
                say(str(queue.workspace.pictures / picture.name))
            if one.error:
                say(f"part {one.number + 1}: {one.error}")
    if wait and job.state is not State.DONE:
        raise ImpastoError(f"job {number} {job.state}" + (f": {job.error}" if job.error else ""))
