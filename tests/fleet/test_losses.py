"""Workers and a node that die: no unit is lost, and each is done once in effect."""

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path

from tests.fleet.conftest import Nodes
from tests.fleet.works import Doubling, marks, units

from impasto.fleet.crew import Crew
from impasto.fleet.driver import RaySpread
from impasto.spreading import results


def crew_of(spread: RaySpread) -> Crew:
    return next(iter(spread._crews.values()))


def kill_at_random(spread: RaySpread, draw: random.Random, kills: int, done: threading.Event) -> None:
    """Kills a worker's process, again and again."""
    while kills and not done.is_set():
        done.wait(draw.uniform(0.05, 0.4))
        pids = [member.pid for crew in spread._crews.values() for member in crew.members if member.is_ready]
        if pids:
            with suppress(ProcessLookupError):  # it went with its node
                os.kill(draw.choice(pids), signal.SIGKILL)
                kills -= 1


def test_five_kills_and_a_lost_node_lose_and_repeat_nothing(nodes: Nodes, spread: RaySpread, tmp_path: Path) -> None:
    count, killed, draw = 120, threading.Event(), random.Random(3)
    before = crew_of(spread).lost
    killing = threading.Thread(target=kill_at_random, args=(spread, draw, 5, killed))
    place = tmp_path / "place"
    (tmp_path / "marks").mkdir()
    work = Doubling(str(tmp_path / "marks"), seconds=0.05)
    got = []
    with results(spread, work, units(count), rows=count, place=place) as found:
        for one in found:
            got.append((one.unit.number, one.value()))
            if one.unit.number == 10:
                killing.start()
            if one.unit.number == 40:
                nodes.cluster.lose(nodes.others.pop())
    killed.set()
    killing.join()
    lost, retries = crew_of(spread).lost - before, spread.tally.count.retries
    assert got == [(n, f"{2 * n}/0".encode()) for n in range(count)]
    assert lost >= 3 and retries >= 1
    assert sorted(marks(tmp_path / "marks")) == list(range(count))
