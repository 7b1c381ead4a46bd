"""The thread of a worker that prolongs its leases and looks what is asked of the running job."""

import threading
import time
from contextlib import suppress

from impasto.errors import ImpastoError
from impasto.queue.claims import Claimed, Claims

LOOK_SECONDS = 0.2  # between two looks at an empty queue, and at what was asked of a running job


class Watch:
    """The thread that prolongs the lease and looks what is asked of the running job.

    Attributes:
        asked: "cancel", "pause" or "lost", else None.
        note: why the worker waits.
    """

    def __init__(self, claims: Claims, lease: float) -> None:
        self._claims, self._every = claims, lease / 6
        self._following: Claimed | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.asked: str | None = None
        self.note = ""

    def start(self) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="queue-watch", daemon=True)
        self._thread.start()

    def follow(self, claimed: Claimed | None) -> None:
        self._following, self.asked = claimed, None

    def end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        beaten = 0.0
        while not self._ended.wait(LOOK_SECONDS):
            with suppress(ImpastoError):  # a locked file or a full disk: again in a moment
                if time.monotonic() - beaten >= self._every:
                    self._claims.beat(self.note)
                    beaten = time.monotonic()
                following = self._following
                if following is not None and self.asked is None:
                    asked = self._claims.asked(following)
                    if self._following is following:
                        self.asked = asked
