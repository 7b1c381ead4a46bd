"""Keeps a worker process running beside a server, and ends it with the server."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from impasto.workspace import Workspace

_SHORTEST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a worker is started again


class Supervisor:
    """Starts `impasto queue work`, and again whenever it ends. A worker that dies at once is started ever more seldom.

    Attributes:
        starts: how often a worker was started.
    """

    def __init__(
        self, workspace: Workspace, *, slot: int = 0, log: Path | None = None, command: Sequence[str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Prepares it.

        Args:
            workspace: the workspace.
            slot: the worker's slot.
            log: the file to which the worker's lines go; the server's own output if None.
            command: what is run, in place of `impasto queue work`.
            options: further options of `impasto queue work`.
        """
        self._log = log
        self._command = list(command or [
            sys.executable, "-m", "impasto", "queue", "work", "--supervised", "--slot", str(slot), "--workspace",
            str(workspace.folder), *options,
        ])  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-supervisor", daemon=True)
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The number of the worker's process, if it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Starts the worker."""
        self._thread.start()

    def end(self, patience: float = 20.0) -> None:
        """Asks the worker to end after its present step, and kills it after `patience` seconds: its job goes on later."""
        self._ended.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        wait = _SHORTEST_WAIT
        while not self._ended.is_set():
            started = time.monotonic()
            self._process = self._begin()
            self.starts += 1
            while self._process.poll() is None:
                if self._ended.wait(0.1):
                    return
            lasted = time.monotonic() - started
            wait = _SHORTEST_WAIT if lasted > _LONGEST_WAIT else min(wait * 2, _LONGEST_WAIT)
            self._ended.wait(wait)

    def _begin(self) -> "subprocess.Popen[bytes]":
        output = None if self._log is None else self._log.open("ab")
        try:
            return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        finally:
            if output is not None:
                output.close()
