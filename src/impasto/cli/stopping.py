"""Ctrl-C of a job whose work is spread: the first asks it to stop, the second stops it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from impasto.cli.console import say_note


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed; pressed again, it raises KeyboardInterrupt as usual."""
    asked = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        del number, frame
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say_note("stopping when the units in work are finished; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
