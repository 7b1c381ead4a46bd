"""Units on a cluster of three nodes: each once in effect, in order, also after a stop."""

import threading
import time
from pathlib import Path

import pytest
from tests.fleet.works import Doubling, marks, units

from impasto.errors import UsageError
from impasto.fleet.driver import RaySpread
from impasto.fleet.journal import NAME
from impasto.spreading import results


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


MANY = 240  # more than may be in work at once: batches of a second for each worker, two of them


def test_a_stop_keeps_what_was_in_work_and_the_next_driver_goes_on(
    spread: RaySpread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    work, place = Doubling(str(folder), seconds=0.05), tmp_path / "place"
    asked = threading.Event()
    monkeypatch.setattr(spread, "should_stop", asked.is_set)
    got = []
    with pytest.raises(KeyboardInterrupt), results(spread, work, units(MANY), place=place) as found:
        for one in found:
            got.append(one.unit.number)
            if len(got) == 20:
                asked.set()
    assert (place / NAME).stat().st_size and 20 <= len(got) < MANY
    asked.clear()
    again = [one.value() for one in spread.map(work, units(MANY), place=place)]
    assert again == [f"{2 * n}/0".encode() for n in range(MANY)]
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
