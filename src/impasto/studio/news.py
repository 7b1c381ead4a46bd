"""Wakes those who wait for events of the queue: one thread looks, and any number of coroutines wait."""

import asyncio
import threading
from contextlib import suppress

from impasto.errors import ImpastoError
from impasto.queue.records import ENDED, QueuedJob
from impasto.queue.store import Queue

_LOOK_SECONDS = 0.1


class News:
    """Tells coroutines that there are new events.

    Attributes:
        ending: the server ends: streams should end, too.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._thread: threading.Thread | None = None
        self.ending = False

    def start(self) -> None:
        """Begins to look; called on the loop of those who will wait."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._look, name="news", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wakes all who wait, for the last time."""
        self.ending = True
        self._wake()

    async def wait(self, seconds: float) -> bool:
        """Waits for new events, or for so many seconds; returns whether there are some, or the server ends."""
        if self.ending:
            return True
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(event)
        return True

    async def ended(self, number: int, seconds: float | None = None) -> QueuedJob:
        """Waits until a job has ended, or for so many seconds, and returns it.

        Raises:
            UnknownJob: there is none.
        """
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while True:
            job = await asyncio.to_thread(self._queue.job, number)
            left = 1.0 if until is None else min(1.0, until - asyncio.get_running_loop().time())
            if job.state in ENDED or left <= 0 or self.ending:
                return job
            await self.wait(left)

    def _look(self) -> None:
        last = -1
        pause = threading.Event()
        while not self.ending:
            with suppress(ImpastoError):
                now = self._queue.events.last()
                if now != last:
                    last = now
                    if self._loop is not None and not self._loop.is_closed():
                        self._loop.call_soon_threadsafe(self._wake)
            pause.wait(_LOOK_SECONDS)

    def _wake(self) -> None:
        for event in list(self._waiting):
            event.set()
