"""A spread without Ray: it pickles what would be sent, and does the units in this process, the last ones first."""

import pickle
from collections.abc import Generator, Iterable
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.spreading import Done, Unit, Work


class Elsewhere:
    """Does the units of each call of `map`, and notes what it was asked.

    Attributes:
        asked: name of the work, number of units and place of each call.
    """

    workers = 2

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, bool]] = []

    def map(
        self, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
    ) -> Generator[Done]:
        """See `Spread.map`."""
        listed: list[Unit] = list(units)
        self.asked.append((work.name, len(listed), place is not None))
        assert rows in (0, sum(unit.rows for unit in listed))
        sent: Work = pickle.loads(pickle.dumps(work))
        done = []
        for unit in reversed(listed):
            try:
                done.append(Done(unit, sent.do(pickle.loads(pickle.dumps(unit.payload)), 0)))
            except ImpastoError as error:
                done.append(Done(unit, error=error))
        yield from reversed(done) if in_order else done
