"""The server's side of the helper's process."""

import json
import subprocess
import sys
import threading
from typing import Any

from impasto.errors import ImpastoError
from impasto.jobs.base import Job
from impasto.queue.records import QueueFull

_MOST_WAITING = 8
_MOST_CLIENTS = 1000
_PATIENCE = 300.0  # seconds for one answer; then the process is started anew


class Replaced(ImpastoError):
    """A newer question of the same client came meanwhile: nobody waits for this one's answer."""


class Busy(QueueFull):
    """So many wait already that one more would wait in vain."""


class Helper:
    """Asks one question after the other. Safe to use from several threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Condition()
        self._asking = False
        self._waiting = 0
        self._newest: dict[str, int] = {}

    def ask(self, what: str, job: Job, *, client: str = "") -> dict[str, Any]:
        """Returns the answer to "preview" or "expand" about a job.

        Args:
            what: "preview" or "expand".
            job: what to paint, or to expand.
            client: whose question it is; an older one of the same client that still waits is dropped. "" drops none.

        Raises:
            Replaced: there is a newer question. Busy: too many wait. ImpastoError: the job failed, or the process died.
        """
        with self._turn:
            number = self._newest.pop(client, 0) + 1
            self._newest[client] = number
            while len(self._newest) > _MOST_CLIENTS:
                self._newest.pop(next(iter(self._newest)))
            self._turn.notify_all()  # an older one of this client need not wait any more
            if self._waiting >= _MOST_WAITING:
                raise Busy("too many previews are asked for at once: wait a moment")
            self._waiting += 1
            try:
                while self._asking:
                    self._turn.wait()
                    if client and self._newest.get(client, number) != number:
                        raise Replaced("there is a newer preview")
            finally:
                self._waiting -= 1
            self._asking = True
        try:
            return self._answer(json.dumps({"what": what, "job": job.to_json()}))
        finally:
            with self._turn:
                self._asking = False
                self._turn.notify_all()

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _answer(self, line: str) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(_PATIENCE, process.kill)
        timer.start()
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            text = process.stdout.readline()
        except OSError:
            text = ""
        finally:
            timer.cancel()
        if not text:
            self.close()
            raise ImpastoError("the process for previews ended: try again")
        answer = json.loads(text)
        if "error" in answer:
            raise ImpastoError(answer["error"])
        return answer["ok"]

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "impasto.studio.helper.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, encoding="utf-8", start_new_session=True,
            )  # fmt: skip
        return self._process
