"""Work in units: done here, one unit after the other, or spread over workers by whoever runs the job (`impasto.fleet`).

What spreads its work says it so, and reads the same results in both cases:

    for done in spread.map(work, units, place=folder):
        rows = json.loads(done.value())

A `Work` can be pickled and makes the bytes of a unit's result; a `Unit` names its content by a key. Whoever spreads knows
nothing of pictures, and the work knows nothing of machines.
"""

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from impasto.errors import ImpastoError


@dataclass(frozen=True)
class Unit:
    """A part of a job that is done whole or not at all.

    Attributes:
        number: its place in the job, from 0; units are given and results come in this order. Numbers of units that are done
            already are left out.
        key: SHA-256, hexadecimal, of all that the result depends on: the content of pictures, of models, of the request.
        payload: what `Work.do` gets; small, and can be pickled. Paths in it are absolute.
        rows: how many rows, pictures or runs it has, for the progress.
    """

    number: int
    key: str
    payload: Any
    rows: int = 1


class Work(Protocol):
    """What is done with every unit. It can be pickled; models are loaded by the first call of `do`.

    A work whose units take hours has a method `stop(payload)`, too: called where the job was started when it is stopped, it
    makes a unit that is in work end soon, wherever it is.

    Attributes:
        name: a few words for messages, "captions".
        gpus: how many GPUs of its own a worker needs for it, 0 for none.
    """

    @property
    def name(self) -> str: ...

    @property
    def gpus(self) -> float: ...

    def do(self, payload: Any, halvings: int) -> bytes:
        """Does one unit and returns its result; the same unit always gives the same bytes.

        Args:
            payload: the unit's.
            halvings: how often the memory was too small for it: 0 at first, 1 for half as much at once, and so on.

        Raises:
            ImpastoError: the unit failed, in one sentence.
        """
        ...


class WorkersLost(ImpastoError):
    """The place where units are done cannot be used any more; the work is not at fault."""


@dataclass(frozen=True)
class Done:
    """A unit and its result, or the error with which it failed."""

    unit: Unit
    result: bytes = b""
    error: ImpastoError | None = None

    def value(self) -> bytes:
        """Returns the result.

        Raises:
            ImpastoError: the unit failed.
        """
        if self.error is not None:
            raise self.error
        return self.result


class Spread(Protocol):
    """Runs the units of a work.

    Attributes:
        workers: how many units are in work at once.
    """

    @property
    def workers(self) -> int: ...

    def map(
        self, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
    ) -> Generator[Done]:
        """Yields every unit with its result, by number, or with `in_order` False as they are finished.

        Args:
            work: what is done.
            units: read as they are needed; only a bounded number is held.
            rows: the number of all rows, for the progress; 0 if it is unknown.
            place: a folder of its own for the results that wait for their turn. A call with the same place after a kill
                takes them from there. It is removed when all results have been yielded. None for none.
            in_order: whether results are yielded by number.

        Raises:
            WorkersLost: no unit can be done there any more. ImpastoError: the work cannot be done at all.
            KeyboardInterrupt: it was stopped.
        """
        ...


class Here:
    """Does the units in this process, one after the other."""

    workers = 1

    def map(
        self, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
    ) -> Generator[Done]:
        """See `Spread.map`."""
        del rows, place, in_order
        for unit in units:
            try:
                done = Done(unit, work.do(unit.payload, 0))
            except ImpastoError as error:
                done = Done(unit, error=error)
            yield done


HERE: Spread = Here()


def results(
    spread: Spread, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
) -> "closing[Generator[Done]]":
    """Returns `spread.map(...)` as a context that ends it when it is left, also by an exception: units in work are kept."""
    return closing(spread.map(work, units, rows=rows, place=place, in_order=in_order))


def unit_key(*parts: str) -> str:
    """Returns the SHA-256, hexadecimal, of the parts, each preceded by its length."""
    digest = sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
