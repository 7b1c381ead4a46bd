"""Progress of long jobs where nobody sees a bar: a line on stderr now and then."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.jobs.events import Progress

_SECONDS = 30.0


def progress_lines(line: "Callable[[Progress], str]") -> "Callable[[Progress], str]":
    """A listener for `run_job` that prints `line` every 30 s where stderr is no terminal; a bar gets the stage's words."""
    said = time.monotonic()

    def hear(progress: "Progress") -> str:
        nonlocal said
        if not sys.stderr.isatty() and time.monotonic() - said > _SECONDS:
            said = time.monotonic()
            print(line(progress), file=sys.stderr, flush=True)
        return progress.stage

    return hear
