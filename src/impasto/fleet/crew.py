"""The actors of a job: started on nodes that have room, lost with a process or a node, back when Ray restarted them."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impasto.fleet.actor import ENVIRONMENT, UnitActor
from impasto.fleet.place import Place
from impasto.spreading import WorkersLost

START_SECONDS = 300.0  # without any worker: then the job ends
_GROW_SECONDS = 5.0  # between two looks whether nodes came
_MOST_FAILED = 3  # actors that could not be made at all
_AGAIN_SECONDS = 0.5  # before an actor that is restarting is asked again


@dataclass(eq=False)
class Member:
    """An actor.

    Attributes:
        handle: Ray's. `pid`: of its process, 0 before it answered for the first time.
        is_ready: whether it answered since it was started or restarted.
        calls: batches that it has.
    """

    handle: Any
    pid: int = 0
    is_ready: bool = False
    calls: int = 0
    ask_after: float = 0.0


@dataclass
class Crew:
    """The actors for one need of GPUs.

    Attributes:
        ray: the module, connected.
        gpus: of each actor.
        folder: where relative paths begin, for the actors, too.
        lost: how many times an actor was lost.
    """

    ray: Any
    place: Place
    gpus: float
    folder: Path = field(default_factory=Path.cwd)
    lost: int = 0
    members: list[Member] = field(default_factory=list)
    _pings: dict[Any, Member] = field(default_factory=dict)
    _looked: float = 0.0
    _failed: int = 0
    _since: float = field(default_factory=time.monotonic)

    def look_after(self) -> None:
        """Starts actors for which there is room, hears which are ready, and asks again those that are not.

        Raises:
            WorkersLost: no actor became ready for a long time, or none can be made.
        """
        now = time.monotonic()
        if now - self._looked >= _GROW_SECONDS or not self.members:
            self._looked = now
            for _ in range(self.wanted() - len(self.members)):
                self.members.append(Member(self._start()))
        asked = set(map(id, self._pings.values()))
        for member in self.members:
            if not member.is_ready and id(member) not in asked and now >= member.ask_after:
                self._pings[member.handle.ping.remote()] = member
        if self._pings:
            answered, _ = self.ray.wait(list(self._pings), num_returns=len(self._pings), timeout=0)
            for ref in answered:
                self._heard(ref, self._pings.pop(ref))
        if any(member.is_ready for member in self.members):
            self._since = now
        elif now - self._since > START_SECONDS:
            needs = f"{self.place.cores} core(s)" + (f" and {self.gpus:g} GPU(s)" if self.gpus else "")
            raise WorkersLost(f"no worker started on {self.place.name} in {START_SECONDS:g} s: it needs {needs} of a node")

    def wanted(self) -> int:
        """Returns how many actors there is room for, at least 1, and at most as many as the place says."""
        resources = self.ray.cluster_resources()
        room = int(resources.get("CPU", 0) // self.place.cores)
        if self.gpus:
            room = min(room, int(resources.get("GPU", 0) / self.gpus))
        most = self.place.workers if self.place.address else self.place.workers_here()
        return max(1, min(room, most) if most else room)

    def free(self, depth: int) -> Member | None:
        """Returns the ready actor that has the fewest batches, or None if each has `depth`."""
        ready = [member for member in self.members if member.is_ready and member.calls < depth]
        return min(ready, key=lambda member: member.calls, default=None)

    @property
    def ready(self) -> int:
        """The number of actors that are ready."""
        return sum(member.is_ready for member in self.members)

    def was_lost(self, member: Member) -> None:
        """Notes that a call failed with its actor; it gets no batch until it answers again."""
        if member.is_ready:
            self.lost += 1
        member.is_ready = False
        member.ask_after = time.monotonic() + _AGAIN_SECONDS

    def end(self) -> None:
        """Ends all actors, with what they do."""
        for member in self.members:
            self.ray.kill(member.handle, no_restart=True)
        self.members.clear()
        self._pings.clear()

    def _start(self) -> Any:
        environment = {name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT)}
        # A call that fails with its actor is sent again by the driver, in smaller batches and to any actor: Ray would send
        # it to the same actor, and wait for a node that may never come back.
        actor = self.ray.remote(UnitActor).options(
            num_cpus=self.place.cores, num_gpus=self.gpus, max_restarts=-1, max_task_retries=0, scheduling_strategy="SPREAD"
        )
        return actor.remote(self.place.cores, environment, str(self.folder))

    def _heard(self, ref: Any, member: Member) -> None:
        from ray.exceptions import ActorDiedError, RayError

        try:
            member.pid = self.ray.get(ref)
            member.is_ready = True
        except ActorDiedError as error:  # for good: another one takes its place, if there is room
            if member in self.members:
                self.members.remove(member)
            self._failed += 1
            if self._failed >= _MOST_FAILED and not self.ready:
                why = " ".join(str(error).split())[-300:]
                raise WorkersLost(
                    f"no worker starts on {self.place.name}: is this impasto installed on its nodes? Ray says: {why}"
                ) from None
        except RayError:
            member.ask_after = time.monotonic() + _AGAIN_SECONDS
