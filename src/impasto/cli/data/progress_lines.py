"""Prints the progress of long jobs as lines on stderr if there is no terminal for a progress bar."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.jobs.events import Progress

_SECONDS = 30.0


def progress_lines(line: "Callable[[Progress], str]") -> "Callable[[Progress], str]":
    """Returns a progress callback for `run_job` that prints `line` every 30 s if stderr is no terminal.

    The callback returns the stage as the text of the bar.
    """
    said = time.monotonic()

    def hear(progress: "Progress") -> str:
        nonlocal said
        if not sys.stderr.isatty() and time.monotonic() - said > _SECONDS:
            said = time.monotonic()
            print(line(progress), file=sys.stderr, flush=True)
        return progress.stage

    return hear
