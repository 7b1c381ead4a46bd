"""The driver: sends units to the workers, a bounded number at a time, and yields their results in order."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.fleet.actor import Reply
from impasto.fleet.batches import Batches, Waiting
from impasto.fleet.crew import Crew, Member
from impasto.fleet.journal import Results, open_results
from impasto.fleet.place import Place
from impasto.fleet.tally import Tally
from impasto.spreading import Done, Unit, Work, WorkersLost

AHEAD = 4096  # units that are in work or wait for their turn, at most: what holds back the driver behind a slow unit
_WAIT_SECONDS = 0.2  # between two looks at a stop and at the workers


@dataclass
class RaySpread:
    """A `Spread` on Ray. Its actors are kept from one call of `map` to the next.

    Attributes:
        ray: the module, connected.
        place: where, and what each worker gets.
        tally: counts what was done, for the progress.
        should_stop: asked all the time; True lets the units in work finish, keeps them, and ends with KeyboardInterrupt,
            unless these were the last.
        ahead: see `AHEAD`.
    """

    ray: Any
    place: Place
    tally: Tally = field(default_factory=Tally)
    should_stop: Callable[[], bool] = lambda: False
    ahead: int = AHEAD
    _crews: dict[float, Crew] = field(default_factory=dict)
    _mapping: int = 0
    _sent: dict[str, Any] = field(default_factory=dict)

    @property
    def is_mapping(self) -> bool:
        """Whether a `map` goes on: then it asks whether to stop, and yields first what was in work."""
        return self._mapping > 0

    @property
    def workers(self) -> int:
        """How many workers there are, or will be."""
        crew = next(iter(self._crews.values()), None) or self._crew(self.place.gpus or 0.0)
        return crew.wanted()

    def map(
        self, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
    ) -> Generator[Done]:
        """See `Spread.map`."""
        coming = iter(units)
        first = next(coming, None)
        if first is None:  # all is there: no worker is started for it
            if place is not None and place.exists():
                open_results(place).close(done=True)
            return
        crew = self._crew(work.gpus if self.place.gpus is None else self.place.gpus)
        run = _Run(self, crew, work, chain([first], coming), place, in_order)
        self.tally.begin(rows)
        self._mapping += 1
        try:
            yield from run.results()
        finally:
            self._mapping -= 1

    def reference(self, work: Work) -> tuple[str, list[Any]]:
        """Returns the work's name for the actors, and its pickled bytes in Ray's object store: a node gets them once."""
        from ray import cloudpickle

        pickled = cloudpickle.dumps(work)  # pyright: ignore[reportPrivateImportUsage]
        name = hashlib.sha256(pickled).hexdigest()
        if name not in self._sent:
            self._sent = {name: self.ray.put(pickled)}
        return name, [self._sent[name]]

    def end(self) -> None:
        """Ends all workers."""
        for crew in self._crews.values():
            crew.end()
        self._crews.clear()

    def _crew(self, gpus: float) -> Crew:
        crew = self._crews.get(gpus)
        if crew is None or crew.folder != Path.cwd():
            self.end()  # the actors of another need would keep the cores
            crew = self._crews[gpus] = Crew(self.ray, self.place, gpus)
        return crew


class _Run:
    """One call of `RaySpread.map`."""

    def __init__(
        self, spread: RaySpread, crew: Crew, work: Work, units: Iterable[Unit], place: Path | None, in_order: bool
    ) -> None:
        self._spread, self._crew, self._ray, self._tally = spread, crew, spread.ray, spread.tally
        self._work, self._place, self._in_order = work, place, in_order
        self._kept: Results = open_results(place)
        self._calls: dict[Any, tuple[Member, list[Waiting]]] = {}
        self._ended: dict[int, Done | Unit] = {}  # by number: a failure, or the unit of a result that is kept
        self._begun = self._yielded = 0
        self._order: deque[int] = (
            deque()
        )  # numbers of units that were begun and not yielded: not all, since some may be done
        self._batches = Batches(self._new(units))

    def results(self) -> Generator[Done]:
        """Yields the results."""
        from ray.exceptions import RayError

        done = False
        try:
            self._name, self._pickled = self._spread.reference(self._work)
            while True:
                self._check()
                self._send()
                yield from self._ready()
                if self._batches.is_over and not self._calls and not self._ended:
                    break
                self._hear(_WAIT_SECONDS)
            done = True
        except KeyboardInterrupt:
            self._finish()
            yield from self._ready()
            if not self._is_complete():
                raise
            done = True
        except (ConnectionError, RayError) as error:
            told = f"{self._spread.place.name} was lost ({' '.join(str(error).split())[:200]})"
            raise WorkersLost(f"{told}: give the same command again, it goes on from what is kept") from None
        except GeneratorExit:  # whoever took the results ended: by a stop, or by an error
            if self._spread.should_stop():
                self._finish()
            raise
        finally:
            for ref in self._calls:
                self._forget(ref)
            self._kept.close(done=done)
            self._tally.end(self._crew.ready, self._crew.lost, self._batches.retries)

    def _new(self, units: Iterable[Unit]) -> Generator[Unit | None]:
        """Yields the units that are not in the journal, and None for each that is: it is ended already."""
        for unit in units:
            self._begun += 1
            if self._in_order:
                self._order.append(unit.number)
            if self._place is not None and self._key(unit) in self._kept:
                self._ended[unit.number] = unit
                self._tally.known += unit.rows
                yield None
            else:
                yield unit

    def _check(self) -> None:
        if self._spread.should_stop():
            raise KeyboardInterrupt
        self._crew.look_after()
        self._tally.tell(self._crew.ready, self._crew.lost, self._batches.retries)

    def _send(self) -> None:
        while (member := self._crew.free(self._batches.depth)) is not None:
            ahead = max(self._spread.ahead, 4 * len(self._crew.members))
            room = ahead - (self._begun - self._yielded)
            batch = self._batches.take(max(0, room))
            if not batch:
                return
            tasks = [one.task for one in batch]
            ref = member.handle.do.remote(self._name, self._pickled, tasks)
            member.calls += 1
            self._calls[ref] = (member, batch)

    def _hear(self, timeout: float) -> None:
        """Waits for answers, keeps all that came, and returns."""
        if not self._calls:
            if not self._ended:
                time.sleep(0.02)  # no worker is ready yet
            return
        refs = list(self._calls)
        answered, _ = self._ray.wait(refs, num_returns=1, timeout=timeout)
        if len(answered) and len(refs) > 1:
            answered, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        results: list[tuple[str, bytes]] = []
        ended: list[Done | Unit] = []
        there = set(answered)
        for ref in [one for one in refs if one in there]:  # as they were sent: of a lost worker's, the first was in work
            member, batch = self._calls.pop(ref)
            member.calls -= 1
            self._take(ref, member, batch, results, ended)
        self._kept.put(results)
        for one in ended:  # after they are on disk
            unit = one.unit if isinstance(one, Done) else one
            self._ended[unit.number] = one
            self._tally.done += unit.rows

    def _take(
        self, ref: Any, member: Member, batch: list[Waiting], results: list[tuple[str, bytes]], ended: list[Done | Unit]
    ) -> None:
        from ray.exceptions import OutOfMemoryError, RayError

        try:
            reply: Reply = self._ray.get(ref)
        except OutOfMemoryError:
            ended += self._lost(member, batch, memory=True)
            return
        except RayError as error:
            cause = getattr(error, "cause", None)
            if cause is not None and not isinstance(cause, RayError):  # of the actor's own code, not of its death
                raise ImpastoError(f"{self._work.name}: unexpected {type(cause).__name__}: {cause}") from None
            ended += self._lost(member, batch, memory=False)
            return
        by_number = {one.unit.number: one for one in batch}
        for outcome in reply.outcomes:
            waiting = by_number[outcome.number]
            if outcome.lacked_memory:
                undone = [by_number[n] for n in by_number if n not in {one.number for one in reply.outcomes}]
                error = self._batches.lacked_memory([waiting, *undone], waiting)
                if error is not None:
                    ended.append(Done(waiting.unit, error=error))
            elif outcome.error is not None:
                ended.append(Done(waiting.unit, error=outcome.error))
            else:
                results.append((self._key(waiting.unit), outcome.result))
                ended.append(waiting.unit)
        if len(reply.outcomes) == len(batch) and not reply.outcomes[-1].lacked_memory:
            self._batches.went_well(len(batch), reply.seconds)

    def _lost(self, member: Member, batch: list[Waiting], *, memory: bool) -> Sequence[Done]:
        given_up = self._batches.lost(batch, begun=member.is_ready, memory=memory)
        self._crew.was_lost(member)
        return [Done(one.unit, error=error) for one, error in given_up]

    def _ready(self) -> Generator[Done]:
        """Yields what is next by number, or all that has ended."""
        while self._ended:
            number = self._order[0] if self._in_order else next(iter(self._ended))
            if number not in self._ended:
                return
            if self._in_order:
                self._order.popleft()
            one = self._ended.pop(number)
            self._yielded += 1
            yield one if isinstance(one, Done) else Done(one, self._kept.get(self._key(one)))

    def _finish(self) -> None:
        """Waits for the units in work and keeps them; those that take hours are asked to stop. Another interrupt ends it."""
        stop = getattr(self._work, "stop", None)
        if stop is not None:
            for _, batch in self._calls.values():
                for one in batch:
                    stop(one.unit.payload)
        while self._calls and self._crew.ready:
            self._hear(_WAIT_SECONDS)
            self._crew.look_after()

    def _is_complete(self) -> bool:
        """Whether a stop that was asked for came when all was done; whoever stops units of hours wants the rest later."""
        if not self._spread.should_stop() or hasattr(self._work, "stop") or self._calls:
            return False
        waits = self._batches.take(1)
        return not waits and self._batches.is_over and not self._ended

    def _key(self, unit: Unit) -> str:
        """Its own key where results stay; else its number, since two units may have the same content."""
        return unit.key if self._place is not None else f"{unit.number:064x}"

    def _forget(self, ref: Any) -> None:
        member, _ = self._calls[ref]
        member.calls -= 1
        with suppress(Exception):  # the connection may be what was lost
            self._ray.cancel(ref, force=False)
