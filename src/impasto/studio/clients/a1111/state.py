"""What the API remembers: the requests in work, and the options that a client has set."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.queue.records import ENDED, State
from impasto.studio.clients.work import cancel
from impasto.studio.state import Studio

FILE = "a1111-options.json"
CHECKPOINT = "sd_model_checkpoint"
USUAL_CHECKPOINT = "pocket"


@dataclass(eq=False)
class ActiveRequest:
    """A request that is being worked on.

    Attributes:
        numbers: its jobs, one for each picture.
        steps: of a picture, as far as it is known.
        began: seconds since 1970.
        interrupted, skipped: whether a client asked for it.
    """

    numbers: Sequence[int]
    steps: int
    began: float = field(default_factory=time.time)
    interrupted: bool = False
    skipped: bool = False


class A1111State:
    """The state of the API in one server."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._file = studio.workspace.folder / FILE
        self._lock = threading.Lock()
        self._active: list[ActiveRequest] = []

    @contextmanager
    def active(self, numbers: Sequence[int], steps: int) -> Iterator[ActiveRequest]:
        """Keeps a request among those in work."""
        request = ActiveRequest(numbers, steps)
        with self._lock:
            self._active.append(request)
        try:
            yield request
        finally:
            with self._lock:
                self._active.remove(request)

    def present(self) -> ActiveRequest | None:
        """Returns the request whose picture is being painted, else the first that waits; None if there is none."""
        with self._lock:
            requests = list(self._active)
        running = (one for one in requests if self.running(one) is not None)
        return next(running, requests[0] if requests else None)

    def running(self, request: ActiveRequest) -> int | None:
        """Returns the job of a request that runs now."""
        for number in request.numbers:
            with suppress(ImpastoError):
                if self._studio.queue.job(number).state is State.RUNNING:
                    return number
        return None

    def interrupt(self) -> None:
        """Cancels what is left of the present request; other jobs of the queue go on."""
        request = self.present()
        if request is not None:
            request.interrupted = True
            cancel(self._studio, request.numbers)

    def skip(self) -> None:
        """Cancels the picture that the present request is at."""
        request = self.present()
        if request is not None:
            request.skipped = True
            waiting = (one for one in request.numbers if self._studio.queue.job(one).state not in ENDED)
            number = self.running(request) or next(waiting, None)
            if number is not None:
                cancel(self._studio, [number])

    @property
    def checkpoint(self) -> str:
        """The checkpoint that a client has chosen, pocket if none has, or if that one is not there any more."""
        chosen = str(self._read().get(CHECKPOINT) or USUAL_CHECKPOINT)
        try:
            self._studio.references.resolve("checkpoint", chosen)
        except ImpastoError:
            return USUAL_CHECKPOINT
        return chosen

    def choose_checkpoint(self, name: str) -> None:
        """Keeps the choice of a checkpoint, also for the next start.

        Raises:
            UsageError: there is none of that name.
        """
        self._studio.references.resolve("checkpoint", name)
        write_atomically(self._file, json.dumps({CHECKPOINT: name}).encode())

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def a1111_of(request: Request) -> A1111State:
    """Returns the state of the API in the server that a request came to."""
    return request.app.state.a1111


A1111Of = Annotated[A1111State, Depends(a1111_of)]
