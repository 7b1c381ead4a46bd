"""Units on a cluster of three nodes: each once in effect, in order, whatever dies."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fleet.conftest import Nodes
from tests.fleet.works import Doubling, units

from impasto.errors import UsageError
from impasto.fleet.crew import Crew
from impasto.fleet.driver import RaySpread
from impasto.fleet.journal import NAME
from impasto.spreading import results


def marks(folder: Path) -> dict[int, int]:
    """How often each unit was done."""
    return {int(file.name): file.stat().st_size for file in folder.iterdir()}


@pytest.fixture(scope="module")
def spread(nodes: Nodes) -> Iterator[RaySpread]:
    """One crew for all tests: workers are slow to start."""
    spread = nodes.spread()
    yield spread
    spread.end()


def crew_of(spread: RaySpread) -> Crew:
    return next(iter(spread._crews.values()))


def test_results_come_in_order_and_failures_are_named(spread: RaySpread, tmp_path: Path) -> None:
    place = tmp_path / "place"
    words = {5: "fail", 9: "break", 11: "hungry", 14: "starving"}
    done = list(spread.map(Doubling(), units(40, words), rows=40, place=place))
    assert [one.unit.number for one in done] == list(range(40))
    told = {one.unit.number: str(one.error) for one in done if one.error is not None}
    assert told == {
        5: "unit 5 does not work", 9: "unexpected ZeroDivisionError: never",
        14: "out of memory, also with the smallest batch: use a smaller size, or more memory",
    }  # fmt: skip
    assert isinstance(done[5].error, UsageError)
    # What had too little memory was halved twice; nothing else was halved.
    assert [one.result.decode() for one in done if one.error is None] == [
        f"{2 * n}/{2 if n == 11 else 0}" for n in range(40) if n not in told
    ]
    assert not place.exists()  # the journal goes when all is taken


def test_a_unit_that_kills_its_worker_is_given_up(spread: RaySpread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.fleet.batches.MOST_DEATHS", 2)
    done = list(spread.map(Doubling(), units(6, {2: "die"})))
    assert [one.unit.number for one in done if one.error is not None] == [2]
    assert str(done[2].error) == "the worker died 2 times with it, perhaps for want of memory"


def test_a_stop_keeps_what_was_in_work_and_the_next_driver_goes_on(
    spread: RaySpread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    work, place = Doubling(str(folder), seconds=0.05), tmp_path / "place"
    asked = threading.Event()
    monkeypatch.setattr(spread, "should_stop", asked.is_set)
    got = []
    with pytest.raises(KeyboardInterrupt), results(spread, work, units(80), place=place) as found:
        for one in found:
            got.append(one.unit.number)
            if len(got) == 20:
                asked.set()
    assert (place / NAME).stat().st_size and 20 <= len(got) < 80
    asked.clear()
    again = [one.value() for one in spread.map(work, units(80), place=place)]
    assert again == [f"{2 * n}/0".encode() for n in range(80)]
    assert set(marks(folder).values()) == {1}  # not one unit was done twice


def test_only_a_bounded_number_of_units_is_read_ahead(spread: RaySpread, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def many():
        nonlocal read
        for one in units(3000):
            read += 1
            yield one

    monkeypatch.setattr(spread, "ahead", 50)
    for one in spread.map(Doubling(), many()):
        assert read - one.unit.number <= 50 + 1
        if one.unit.number == 0:
            time.sleep(0.3)
    assert read == 3000


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
                nodes.cluster.remove_node(nodes.others.pop())
    killed.set()
    killing.join()
    lost, retries = crew_of(spread).lost - before, spread.tally.count.retries
    assert got == [(n, f"{2 * n}/0".encode()) for n in range(count)]
    assert lost >= 3 and retries >= 1
    assert sorted(marks(tmp_path / "marks")) == list(range(count))
