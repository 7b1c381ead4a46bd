"""Adapts torch's thread count to the CPU cores that other programs leave free.

If two torch threads share two cores with one busy program, they wait for each other at every operation. The training of
pocket once fell from 76 to 13 pictures a second this way. A single thread has a core to itself. This works on Linux;
elsewhere the thread count does not change.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

_SECONDS = 2.0  # between two measurements


class SharedCores:
    """A `should_stop` callback that wraps another one and also adjusts torch's thread count from time to time."""

    def __init__(self, should_stop: Callable[[], bool], *, most: int | None = None) -> None:
        """Wraps `should_stop`. `most` is the maximum number of threads; default: torch's current number."""
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
    """Returns how many threads to use, 1 to `most`, when other programs keep `others` of the `cores` busy.

    A core that other programs use for less than a fifth of the time counts as free.
    """
    return max(1, min(most, cores - int(others + 0.8)))


def _busy_seconds() -> tuple[float, float] | None:
    """Returns the CPU seconds of all programs together and of this one so far; None if the system does not report them."""
    try:
        fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
        tick: int = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    user, nice, system = (int(value) for value in fields[1:4])
    own = os.times()
    return (user + nice + system) / tick, own.user + own.system
