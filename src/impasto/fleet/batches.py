"""Which units are sent together: as many as take about a second, fewer after a want of memory or a death."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from impasto.errors import ImpastoError
from impasto.fleet.actor import Task
from impasto.spreading import Unit

MOST_TOGETHER = 256
MOST_DEATHS = 6  # of workers with the same unit: then it is given up
MOST_HALVINGS = 5
_SECONDS = 1.0  # of a batch: long enough that sending it costs nothing, short enough that little is lost
_SHORT_SECONDS = 5.0
_CAREFUL = 200  # units that go well before more are sent together again after a want of memory


@dataclass
class Waiting:
    """A unit that is in work or waits to be, and what it went through."""

    unit: Unit
    deaths: int = 0
    halvings: int = 0

    @property
    def task(self) -> Task:
        """What is sent to an actor."""
        return Task(self.unit.number, self.unit.payload, self.halvings)


@dataclass
class Batches:
    """The units that wait, and how many of them go together.

    Attributes:
        units: those that were not begun yet, read as they are needed; None for one whose result is there already.
        retries: how many units were sent again.
    """

    units: Iterator[Unit | None]
    retries: int = 0
    _again: deque[list[Waiting]] = field(default_factory=deque)
    _together: int = 1
    _most: int = MOST_TOGETHER
    _well: int = 0
    _seconds: float = 0.0  # of one unit
    _is_over: bool = False

    def take(self, room: int) -> list[Waiting]:
        """Returns the next batch's units, of at most `room` that are read; those that are sent again go first.

        Empty if no unit waits, or if the results of all that were read are there already.
        """
        if self._again:
            return self._again.popleft()
        batch: list[Waiting] = []
        read = 0
        while len(batch) < self._together and read < room:
            try:
                unit = next(self.units)
            except StopIteration:
                self._is_over = True
                break
            read += 1
            if unit is not None:
                batch.append(Waiting(unit))
        return batch

    @property
    def depth(self) -> int:
        """How many batches an actor has at once: one in work, and one that waits for it if they are short."""
        return 2 if 0 < self._seconds * self._together < _SHORT_SECONDS else 1

    @property
    def is_over(self) -> bool:
        """Whether no unit waits any more."""
        return self._is_over and not self._again

    def went_well(self, count: int, seconds: float) -> None:
        """Learns from a batch of `count` units that took `seconds`."""
        each = seconds / count
        self._seconds = each if not self._seconds else 0.7 * self._seconds + 0.3 * each
        self._well += count
        if self._well >= _CAREFUL and self._most < MOST_TOGETHER:
            self._most, self._well = 2 * self._most, 0
        wanted = int(_SECONDS / max(self._seconds, 1e-6))
        self._together = max(1, min(wanted, 2 * self._together, self._most))

    def lacked_memory(self, batch: list[Waiting], first: Waiting) -> ImpastoError | None:
        """Takes back a batch of which `first` had too little memory; returns an error if it cannot be made smaller."""
        self._fewer(len(batch))
        rest = [one for one in batch if one is not first]
        self._send_again(rest)
        first.halvings += 1
        if first.halvings > MOST_HALVINGS:
            return ImpastoError("out of memory, also with the smallest batch: use a smaller size, or more memory")
        self._send_again([first])
        return None

    def lost(self, batch: list[Waiting], *, begun: bool, memory: bool) -> list[tuple[Waiting, ImpastoError]]:
        """Takes back the batch of a worker that died, in two halves; returns the units that are given up.

        Only a unit that was alone may be what the worker died of: others are sent again in ever smaller batches.

        Args:
            begun: whether it was in work, and not waiting behind another one.
            memory: whether the worker died for want of memory.
        """
        given_up = []
        kept = []
        for one in batch:
            one.deaths += begun and len(batch) == 1
            one.halvings += begun and memory
            if one.deaths >= MOST_DEATHS or one.halvings > MOST_HALVINGS:
                told = f"the worker died {one.deaths} times with it, perhaps for want of memory"
                given_up.append((one, ImpastoError(told)))
            else:
                kept.append(one)
        if memory:
            self._fewer(len(batch))
        half = (len(kept) + 1) // 2
        self._send_again(kept[:half])
        self._send_again(kept[half:])
        return given_up

    def _fewer(self, count: int) -> None:
        self._most = self._together = max(1, min(self._most, count) // 2)
        self._well = 0

    def _send_again(self, batch: list[Waiting]) -> None:
        if batch:
            self.retries += len(batch)
            self._again.append(batch)
