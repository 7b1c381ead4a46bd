"""A worker that has the units of jobs done elsewhere: the same pictures, several at once, and nothing lost at a stop."""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import pytest
from tests.fleet.elsewhere import Elsewhere

from impasto.jobs.batch import BatchJob
from impasto.jobs.painting.paint import PaintJob
from impasto.queue.records import State
from impasto.queue.store import Queue
from impasto.queue.worker import Worker
from impasto.spreading import Done, Unit, Work, WorkersLost
from impasto.workspace import Workspace


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # and back: jobs run in their own folders


def asked(tiny_pocket: Path) -> tuple[PaintJob, BatchJob]:
    paint = PaintJob(prompt="boats", checkpoint=str(tiny_pocket), count=3, seed=5, steps=2, engine="optimized")
    base = {"checkpoint": str(tiny_pocket), "steps": 2, "engine": "optimized"}
    return paint, BatchJob(base=base, prompts=("trees", "hills"), artists=("none", "Nobody"), seed=1)


def test_the_pictures_are_those_of_a_worker_alone(tiny_pocket: Path, tmp_path: Path) -> None:
    pictures, errors = {}, {}
    for name, spread in (("alone", None), ("elsewhere", Elsewhere())):
        queue = Queue.open(Workspace.open(tmp_path / name))
        for job in asked(tiny_pocket):
            queue.add(job)
        by = None if spread is None else (lambda should_stop, spread=spread: spread)
        published: list[Path] = []
        worker = Worker(queue.workspace, queue, on_files=published.extend, spread_by=by)
        assert worker.run(until_empty=True) == 2
        made = [unit.pictures for number in (1, 2) for unit in queue.units(number)]
        pictures[name] = made, {file.name: file.read_bytes() for file in queue.workspace.pictures.iterdir()}
        errors[name] = [(queue.job(number).state, queue.job(number).error) for number in (1, 2)]
        assert sorted(file.name for file in published) == sorted(pictures[name][1])
        assert not list((queue.workspace.folder / "work").iterdir())
        if spread is not None:
            assert spread.asked == [("paintings", 3, False), ("paintings", 4, False)]
        queue.close()
    assert pictures["alone"] == pictures["elsewhere"] and len(pictures["alone"][1]) == 5
    assert errors["alone"] == errors["elsewhere"]
    assert errors["alone"][0] == (State.DONE, None) and "2 of 4 parts failed" in str(errors["alone"][1][1])


class Ending:
    """Does units until something happens after the first `count`."""

    workers = 2

    def __init__(self, count: int, then: Callable[[], object]) -> None:
        self.count, self.then = count, then

    def map(
        self, work: Work, units: Iterable[Unit], *, rows: int = 0, place: Path | None = None, in_order: bool = True
    ) -> Generator[Done]:
        """See `Spread.map`."""
        for number, unit in enumerate(units):
            if number == self.count:
                self.then()
            yield Done(unit, work.do(unit.payload, 0))


def test_a_stop_and_a_lost_place_give_the_job_back(queue: Queue, tiny_pocket: Path) -> None:
    number = queue.add(asked(tiny_pocket)[0]).id

    def lose() -> None:
        raise WorkersLost("ray://head:10001 was lost")

    with pytest.raises(WorkersLost):
        Worker(queue.workspace, queue, spread_by=lambda should_stop: Ending(1, lose)).run()
    one = queue.job(number)
    assert (one.state, one.units_done, one.units_failed) == (State.QUEUED, 1, 0)

    def pause() -> None:
        queue.pause(number)
        raise KeyboardInterrupt

    worker = Worker(queue.workspace, queue, spread_by=lambda should_stop: Ending(1, pause))
    assert worker.run(until_empty=True) == 0
    one = queue.job(number)
    assert (one.state, one.paused, one.units_done) == (State.QUEUED, True, 2)
    queue.resume(number)
    assert Worker(queue.workspace, queue, spread_by=lambda should_stop: Elsewhere()).run(until_empty=True) == 1
    assert queue.job(number).state is State.DONE and len(list(queue.workspace.pictures.iterdir())) == 3
