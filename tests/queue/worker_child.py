"""A worker process that draws: `python worker_child.py WORKSPACE [supervised]`."""

import os
import signal
import sys
from pathlib import Path

from tests.queue.drawn import stand_in

stand_in()
from impasto.gallery.index import Gallery  # noqa: E402
from impasto.queue.locks import held  # noqa: E402
from impasto.queue.store import Queue  # noqa: E402
from impasto.queue.worker import Worker  # noqa: E402
from impasto.workspace import Workspace  # noqa: E402

asked: list[int] = []
signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
supervised, parent = "supervised" in sys.argv, os.getppid()


def should_end() -> bool:
    return bool(asked) or (supervised and os.getppid() != parent)


workspace = Workspace.open(Path(sys.argv[1]))
with held(workspace.place("locks") / "worker-0", "busy", wait=lambda: not should_end()):
    gallery = Gallery.open(workspace)
    Worker(workspace, Queue.open(workspace), should_end=should_end, on_files=gallery.add_files).run()
