"""Training beside other work: as many threads as there are cores that nobody else is using.

Two threads of torch that share two cores with one busy program wait for each other at every operation: pocket's training
once fell from 76 to 13 pictures a second so. One thread has a core to itself. On Linux; elsewhere the threads stay as they
are.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

_SECONDS = 2.0  # between two looks


class SharedCores:
    """A `should_stop` around another one, asked after every step, that also sets torch's threads now and then."""

    def __init__(self, should_stop: Callable[[], bool], *, most: int | None = None) -> None:
        """`most`: threads at the most; torch's number of now, if not given."""
        self._should_stop, self._most = should_stop, most or torch.get_num_threads()
        self._seen = _busy_seconds()
        self._at = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if self._seen is not None and now - self._at >= _SECONDS:
            seen = _busy_seconds()
            if seen is not None:
                others = (seen[0] - self._seen[0]) - (seen[1] - self._seen[1])
                threads = fitting_threads(others / (now - self._at), os.cpu_count() or 1, self._most)
                if threads != torch.get_num_threads():
                    torch.set_num_threads(threads)
            self._seen, self._at = seen, now
        return self._should_stop()


def fitting_threads(others: float, cores: int, most: int) -> int:
    """How many threads to use, 1 to `most`, where other programs keep `others` of the `cores` busy.

    A core that others use for less than a fifth of the time counts as free.
    """
    return max(1, min(most, cores - int(others + 0.8)))


def _busy_seconds() -> tuple[float, float] | None:
    """Seconds that all programs together, and this one, have computed so far; None where nobody tells."""
    try:
        fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
        tick: int = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    user, nice, system = (int(value) for value in fields[1:4])
    own = os.times()
    return (user + nice + system) / tick, own.user + own.system
