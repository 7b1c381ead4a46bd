"""`impasto queue work`: a worker process."""

import os
import signal
from typing import Annotated

import typer

from impasto.cli.console import say, say_note
from impasto.cli.fleet_options import chosen_place, with_fleet
from impasto.cli.queue.opening import WorkspaceFolder, open_queue
from impasto.errors import UsageError


@with_fleet
def work(
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when no job waits.")] = False,
    slot: Annotated[int, typer.Option(help="The worker's number, if several run at once.", metavar="0..63")] = 0,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
    workspace: WorkspaceFolder = None,
) -> None:
    """Run the jobs of the queue, one after the other, until Ctrl-C; a running job then goes back to its place.

    The studio does this by itself. With --on, the pictures of a job are painted there, several at once, and captions, tags
    and whatever else --on takes are spread. All other jobs run in this process.
    """
    from impasto.fleet.run import spreading
    from impasto.gallery.index import Gallery
    from impasto.queue.locks import held
    from impasto.queue.unused_uploads import delete_unused
    from impasto.queue.worker import Worker

    if not 0 <= slot < 64:
        raise UsageError(f"--slot {slot}: use 0 to 63")
    place, parent = chosen_place(), os.getppid() if supervised else 0
    asked: list[int] = []

    def should_end() -> bool:
        return bool(asked) or (supervised and os.getppid() != parent)

    def end(number: int, frame: object) -> None:
        del frame
        asked.append(number)

    queue, before = open_queue(workspace), {}
    lock = queue.workspace.place("locks") / f"worker-{slot}"
    message = f"a worker of slot {slot} runs already (process {{}}): give another --slot"
    here = os.getcwd()  # noqa: PTH109 - jobs run in their own folders
    try:
        # The worker of a server that was killed may still be in its last step.
        with held(lock, message, wait=(lambda: not should_end()) if supervised else None), spreading(place) as spread_by:
            before |= {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}  # Ray has its own
            gallery = Gallery.open(queue.workspace)

            def tidy() -> None:
                gone = delete_unused(queue, gallery)
                if gone.count:
                    say(f"{gone.count} uploads that nothing needs are deleted, {gone.size / 1e6:.0f} MB")

            worker = Worker(
                queue.workspace, queue, slot=slot, should_end=should_end, on_line=say, on_files=gallery.add_files, tidy=tidy,
                spread_by=spread_by,
            )  # fmt: skip
            if not supervised and not until_empty:
                there = f" by workers of {place.name}" if place is not None else ""
                say_note(f"works on {queue.workspace.folder}{there}, until Ctrl-C")
            ended = worker.run(until_empty=until_empty)
            if until_empty:
                say(f"{ended} jobs ended")
    finally:
        os.chdir(here)
        for number, handler in before.items():
            signal.signal(number, handler)
        queue.close()
