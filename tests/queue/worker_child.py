"""A worker process that draws: `python worker_child.py WORKSPACE [SLOT]`."""

import signal
import sys
from pathlib import Path

from tests.queue.drawn import stand_in

stand_in()
from impasto.queue.locks import held  # noqa: E402
from impasto.queue.store import Queue  # noqa: E402
from impasto.queue.worker import Worker  # noqa: E402
from impasto.workspace import Workspace  # noqa: E402

asked: list[int] = []
signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
workspace = Workspace.open(Path(sys.argv[1]))
with held(workspace.place("locks") / "worker-0", "busy", wait=lambda: True):
    Worker(workspace, Queue.open(workspace), should_end=lambda: bool(asked)).run()
