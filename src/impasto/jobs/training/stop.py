"""The job `runs/stop`: requests a running training to write its state and end."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context

LONGEST_WAIT = 3600.0  # seconds
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class StopAnswer:
    """The result of the stop request.

    Attributes:
        was_running: whether there was a training to stop.
        status: the present status of the run: "running", "complete", "stopped" or "begun".
        step: the last step.
    """

    was_running: bool
    status: str
    step: int


class StopJob(Job):
    """Requests a training, in any process, to end after its present step, and waits until it has ended.

    Attributes:
        folder: the run's folder.
        wait: maximal waiting time in seconds, 0 to 3600.
    """

    kind: ClassVar[str] = "runs/stop"

    folder: Path
    wait: float = 60.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0 <= self.wait <= LONGEST_WAIT:
            raise UsageError(f"wait {self.wait:g}: use 0 to {LONGEST_WAIT:g} seconds")
        return self

    def run(self, context: Context) -> StopAnswer:
        """Writes the stop request and waits.

        Raises:
            UsageError, ImpastoError: the folder is no run; the request cannot be written; the training is still running.
            StoppedError: the waiting was stopped; the request stays.
        """
        from impasto.training.runs.folder import RunFolder
        from impasto.training.runs.listing import read_run

        info = read_run(self.folder)
        folder = RunFolder(self.folder)
        if not folder.is_running:
            return StopAnswer(False, folder.status, info.step)
        process = folder.process
        folder.request_stop()
        until = time.monotonic() + self.wait
        try:
            while folder.is_running:
                context.check()
                if time.monotonic() >= until:
                    raise ImpastoError(
                        f"{self.folder}: process {process} was asked to stop and runs on after {self.wait:g} s; "
                        "it ends after its present step"
                    )
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None
        folder.withdraw_stop()
        info = read_run(self.folder)
        return StopAnswer(True, info.status, info.step)
