"""Counts what a job's workers have done, for one line of progress about the whole."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_TELL_SECONDS = 1.0
_RECENT_SECONDS = 60.0  # of which the speed is taken: a job of days should not tell yesterday's


@dataclass(frozen=True)
class Count:
    """The figures of one moment.

    Attributes:
        done, rows: rows that are done, and of how many; 0 rows if it is unknown.
        rows_per_second: of the last minute.
        workers: that are ready now.
        lost_workers: how often one died or went with its node.
        retries: units that were sent again.
    """

    done: int
    rows: int
    rows_per_second: float
    workers: int
    lost_workers: int
    retries: int

    @property
    def seconds_to_go(self) -> float | None:
        """Seconds until all rows are done at this speed; None if it is not known."""
        if not self.rows or self.rows_per_second <= 0:
            return None
        return max(0, self.rows - self.done) / self.rows_per_second

    def figures(self) -> dict[str, float]:
        """Returns the figures for a `Progress` event."""
        return {
            "rows_per_second": round(self.rows_per_second, 3), "workers": self.workers, "lost_workers": self.lost_workers,
            "retries": self.retries,
        }  # fmt: skip


def _nobody(count: Count) -> None:
    del count


@dataclass
class Tally:
    """Counts the rows of the present step of a job.

    Attributes:
        done: rows done by workers since `begin`; `known`: rows whose results a former driver left.
        on_count: called about once a second while units are in work, and at the end of a step.
    """

    on_count: Callable[[Count], None] = _nobody
    done: int = 0
    known: int = 0
    rows: int = 0
    _samples: list[tuple[float, int]] = field(default_factory=list)
    _told: float = 0.0
    _begun: float = 0.0
    _past: tuple[int, float] = (0, 0.0)  # rows and seconds of the steps that ended
    count: Count = Count(0, 0, 0.0, 0, 0, 0)

    def begin(self, rows: int) -> None:
        """Begins a step of so many rows."""
        self.done = self.known = 0
        self.rows = rows
        self._begun = time.monotonic()
        self._samples = [(self._begun, 0)]

    def tell(self, workers: int, lost: int, retries: int) -> None:
        """Tells the present figures, if the last ones are a second old."""
        now = time.monotonic()
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[1][0] > _RECENT_SECONDS:
            self._samples.pop(0)
        begun, before = self._samples[0]
        self._tell((self.done - before) / max(now - begun, 1e-6), workers, lost, retries)

    def end(self, workers: int, lost: int, retries: int) -> None:
        """Ends a step and tells its last figures; the speed is that of all steps so far."""
        rows, seconds = self._past
        if self.done:  # a step of no rows loads models, say
            self._past = rows, seconds = rows + self.done, seconds + time.monotonic() - self._begun
        self._tell(rows / max(seconds, 1e-6), workers, lost, retries)

    def _tell(self, speed: float, workers: int, lost: int, retries: int) -> None:
        self.count = Count(self.done + self.known, self.rows, speed, workers, lost, retries)
        self.on_count(self.count)
