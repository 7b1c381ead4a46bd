"""Jobs run in their order, are divided into units, stop between steps, and end once whatever dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.queue.drawn import DrawJob

from impasto import jobs
from impasto.files import write_atomically
from impasto.jobs.batch import BatchJob
from impasto.jobs.data.export import ExportJob
from impasto.jobs.painting.paint import PaintJob
from impasto.queue import publishing
from impasto.queue.claims import Claims
from impasto.queue.locks import AlreadyRunning, held
from impasto.queue.publishing import content_id
from impasto.queue.reading import every_unit
from impasto.queue.records import LeaseLost, State
from impasto.queue.store import Queue
from impasto.queue.worker import Worker
from impasto.workspace import Workspace

CHILD = Path(__file__).parent / "worker_child.py"
ROOT = Path(__file__).parents[2]


@contextmanager
def child(workspace: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen([sys.executable, str(CHILD), str(workspace.folder)], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], object], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def beside(true: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """Does something in a thread as soon as something is true."""

    def wait() -> None:
        until(true)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def names(queue: Queue) -> list[str]:
    return sorted(path.name for path in queue.workspace.pictures.iterdir())


def test_jobs_run_in_their_order_and_pictures_are_named_by_content(queue: Queue, worker: Worker) -> None:
    queue.add(PaintJob(prompt="boats", seed=5, count=3))
    queue.add(PaintJob(prompt="trees", seed=5), priority=1)
    assert worker.run(until_empty=True) == 2
    boats, trees = queue.job(1), queue.job(2)
    assert boats.state is trees.state is State.DONE and (trees.finished_at or 0) < (boats.started_at or 0)
    made = [unit.pictures[0] for unit in queue.units(1)]
    for seed, one in enumerate(made, start=5):
        assert one.id == content_id(queue.workspace.pictures / one.name) and one.name == f"boats-{seed}-{one.id}.png"
    assert len(names(queue)) == 4 and not list((queue.workspace.folder / "work").iterdir())
    queue.add(PaintJob(prompt="boats", seed=6))  # the same picture again is the same file
    worker.run(until_empty=True)
    assert queue.units(3)[0].pictures[0] == made[1] and len(names(queue)) == 4


def test_events_tell_it_all_in_order_and_can_be_taken_up(queue: Queue, worker: Worker) -> None:
    number = queue.add(PaintJob(prompt="boats", seed=5, count=2, preview_every=1)).id
    worker.run(until_empty=True)
    events, whole = queue.events.since(0)
    assert whole and [event.id for event in events] == sorted({event.id for event in events})
    told = [event.data["state"] for event in events if event.kind == "job"]
    assert told[:2] == ["queued", "running"] and told[-1] == "done" and events[-1].data["sequence"] == events[-1].id
    assert [event.data["unit"] for event in events if event.kind == "picture"] == [0, 1]
    assert [event.data["unit"] for event in events if event.kind == "preview"] == [0, 1]
    assert queue.preview(number) is None  # only while it is painted
    middle = events[3].id
    assert queue.events.since(middle)[0] == events[4:] and queue.events.since(middle, most=2)[0] == events[4:6]
    assert queue.events.since(events[-1].id) == ([], True)
    assert queue.events.since(10**9)[1] is False  # another file's number: read the state anew


def test_the_log_is_bounded_and_says_what_is_missing(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.queue.events.MOST_EVENTS", 20)
    monkeypatch.setattr("impasto.queue.events._AT_ONCE", 10)
    for _ in range(60):
        queue.add(PaintJob(prompt="boats"))
    events, whole = queue.events.since(0)
    assert not whole and len(events) <= 30 and events[-1].id == 60
    assert queue.events.since(events[0].id)[1] is True


def test_a_running_job_is_cancelled_and_paused_between_steps(queue: Queue, worker: Worker) -> None:
    number = queue.add(PaintJob(prompt="slow", seed=0, count=3)).id
    other = queue.add(PaintJob(prompt="boats", seed=0)).id
    thread = beside(lambda: queue.job(number).units_done == 1, lambda: queue.pause(number))
    assert worker.run(until_empty=True) == 1
    thread.join()
    one = queue.job(number)
    assert (one.state, one.paused, one.units_done) == (State.QUEUED, True, 1) and queue.job(other).state is State.DONE
    queue.resume(number)
    thread = beside(lambda: queue.job(number).units_done == 2, lambda: queue.cancel(number))
    worker.run(until_empty=True)
    thread.join()
    one = queue.job(number)
    assert (one.state, one.units_done, one.attempts) == (State.CANCELLED, 2, 2) and len(names(queue)) == 3
    queue.retry(number)
    worker.run(until_empty=True)
    assert queue.job(number).state is State.DONE and len(names(queue)) == 4


def test_a_paused_queue_begins_nothing_and_urgent_jobs_go_between_pictures(queue: Queue, worker: Worker) -> None:
    queue.pause_all()
    number = queue.add(PaintJob(prompt="slow", seed=0, count=2)).id
    assert worker.run(until_empty=True) == 0 and not queue.pause_all() and queue.pause_all(False)
    urgent_job = PaintJob(prompt="urgent")
    thread = beside(lambda: queue.job(number).state is State.RUNNING, lambda: queue.add(urgent_job, priority=5))
    worker.run(until_empty=True)
    thread.join()
    slow, urgent = queue.job(number), queue.job(number + 1)
    first, last = queue.units(number)
    assert slow.state is State.DONE and slow.attempts == 2
    assert (first.finished_at or 0) <= (urgent.started_at or 0) <= (last.started_at or 0)


def test_a_job_that_is_cleared_while_it_runs_does_not_hurt_the_worker(queue: Queue, worker: Worker) -> None:
    number = queue.add(PaintJob(prompt="slow", seed=0)).id
    queue.add(PaintJob(prompt="boats", seed=0))

    def delete() -> None:
        with queue.database.write() as link:
            link.execute("DELETE FROM jobs WHERE id = ?", (number,))

    thread = beside(lambda: queue.job(number).state is State.RUNNING, delete)
    assert worker.run(until_empty=True) == 1
    thread.join()
    assert len(names(queue)) == 1


def test_a_worker_that_lost_its_lease_writes_nothing(queue: Queue) -> None:
    number = queue.add(PaintJob(prompt="boats")).id
    slow, quick = Claims(queue.database, lease=-1.0), Claims(queue.database)
    old = slow.claim()
    assert old is not None and quick.recover() == [number]
    new = quick.claim()
    assert new is not None and new.claim == old.claim + 1
    for call in (lambda: slow.begin_unit(old, 0), lambda: slow.finish_unit(old, 0, [], []), lambda: slow.end(old),
                 lambda: slow.tell(old, "progress", {}), lambda: slow.release(old)):  # fmt: skip
        with pytest.raises(LeaseLost):
            call()
    assert slow.asked(old) == "lost" and quick.asked(new) is None
    quick.end(new)
    with pytest.raises(LeaseLost):  # nor after the end
        quick.tell(new, "progress", {})


def test_failures_are_told_and_many_alike_end_the_job(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(self: DrawJob, context: object) -> None:
        raise RuntimeError("a\nlong story")

    monkeypatch.setattr(DrawJob, "run", break_down)
    number = queue.add(PaintJob(prompt="boats", count=40)).id
    worker.run(until_empty=True)
    one = queue.job(number)
    assert one.error == "stopped after 5 parts that failed alike: unexpected RuntimeError: a long story"
    assert (one.state, one.units_failed) == (State.FAILED, 5)


def test_a_job_that_cannot_be_read_fails_with_a_sentence(queue: Queue, worker: Worker, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    first = queue.add(PaintJob(prompt="boats"), folder=gone).id
    second = queue.add(PaintJob(prompt="boats")).id
    gone.rmdir()
    with queue.database.write() as link:
        link.execute("UPDATE jobs SET job = ? WHERE id = ?", ('{"kind": "paint", "version": 9}', second))
    worker.run(until_empty=True)
    assert queue.job(first).error == f"{gone}: No such file or directory"
    assert "comes from a newer impasto" in (queue.job(second).error or "")


def test_pictures_go_where_the_job_says(queue: Queue, worker: Worker, tmp_path: Path) -> None:
    queue.add(PaintJob(prompt="boats", seed=1, count=2, out="mine"), folder=tmp_path)
    queue.add(PaintJob(prompt="boats", seed=3, out="one.png"), folder=tmp_path)
    worker.run(until_empty=True)
    assert len(list((tmp_path / "mine").iterdir())) == 2 and (tmp_path / "one.png").is_file() and names(queue) == []
    assert queue.units(2)[0].pictures[0].name == str(tmp_path / "one.png")


def test_a_full_disk_stops_the_work_until_there_is_space(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = queue.add(PaintJob(prompt="boats", seed=0, count=3)).id
    said: list[str] = []
    worker.on_line = said.append
    full = threading.Event()

    def free(folder: Path) -> int:
        return 0 if full.is_set() else 1 << 40

    real = DrawJob.run

    def run(self: DrawJob, context: object) -> object:
        if self.seed == 1 and len(said) == 0:
            full.set()
            raise OSError(28, "No space left on device", "a.png")
        return real(self, context)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr("impasto.queue.worker.free_bytes", free)
    monkeypatch.setattr(DrawJob, "run", run)
    thread = beside(lambda: said, full.clear)
    worker.run(until_empty=True)
    thread.join()
    assert "has 0 MB of free space, 64 MB are needed: free some" in said[0] and said[1:] == [f"job {number} done"]
    assert queue.job(number).units_done == 3 and len(names(queue)) == 3


@pytest.mark.parametrize("place", ["finish", "publish", "move"])
def test_a_death_at_any_place_leaves_each_picture_once(
    place: str, queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places: finished but not recorded; recorded but not named; half of the files named."""

    class Died(BaseException):
        pass

    def die(*words: object, **named: object) -> None:
        raise Died

    queue.add(PaintJob(prompt="boats", seed=0, count=4, batch=2))
    dies = monkeypatch.context()
    with dies as patched:
        if place == "finish":
            patched.setattr(Claims, "finish_unit", die)
        elif place == "publish":
            patched.setattr("impasto.queue.worker.publish", die)
        else:
            real, moved = publishing._move, []

            def move(source: Path, to: Path) -> None:
                if moved:
                    raise Died
                moved.append(real(source, to))

            patched.setattr(publishing, "_move", move)
        with pytest.raises(Died):
            worker.run(until_empty=True)
    with queue.database.write() as link:
        link.execute("UPDATE workers SET born = '1'")  # of a process that is no more
        link.execute("UPDATE jobs SET lease_until = 0")
    again = Worker(queue.workspace, queue)
    again.run(until_empty=True)
    assert queue.job(1).state is State.DONE and len(names(queue)) == 4
    assert sorted(one.name for unit in queue.units(1) for one in unit.pictures) == names(queue)
    assert not list((queue.workspace.folder / "work").iterdir())


def test_what_kills_the_worker_is_given_up_and_the_rest_is_done(queue: Queue, workspace: Workspace) -> None:
    number = queue.add(BatchJob(prompts=("die",), seed=0, count=3)).id
    for _ in range(3):
        with child(workspace) as process:
            assert process.wait(180) == -signal.SIGKILL
    with child(workspace):
        until(lambda: queue.job(number).state is State.FAILED)
    one = queue.job(number)
    assert one.error == "1 of 3 parts failed; the first: the worker died 3 times with it, perhaps for want of memory"
    assert [unit.state for unit in queue.units(number)] == ["done", "failed", "done"] and len(names(queue)) == 2


def test_nothing_is_lost_when_workers_are_killed(queue: Queue, workspace: Workspace) -> None:
    """The short form of benchmarks/studio_queue.py."""
    numbers = [queue.add(PaintJob(prompt="boats", seed=seed)).id for seed in range(40)]
    batch = queue.add(BatchJob(prompts=("trees",), seed=100, count=20)).id
    for kill in (5, 25, 45):
        with child(workspace):
            until(lambda: sum(job.units_done for job in queue.jobs(most=99)) >= kill)  # noqa: B023
    with child(workspace) as process:
        until(lambda: queue.counts().done == 41)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert [unit.state for unit in every_unit(queue, batch)] == ["done"] * 20
    made = [one.name for number in [*numbers, batch] for unit in queue.units(number) for one in unit.pictures]
    assert sorted(made) == names(queue) and len(set(made)) == 60
    ended = [queue.job(number).finished_at or 0 for number in numbers]
    assert ended == sorted(ended)


def test_a_restart_of_the_machine_is_nobodys_fault(queue: Queue) -> None:
    number = queue.add(PaintJob(prompt="boats")).id
    for _ in range(5):
        claims = Claims(queue.database)
        claimed = claims.claim()
        assert claimed is not None
        claims.begin_unit(claimed, 0)
        with queue.database.write() as link:
            link.execute("UPDATE workers SET boot = 'before' WHERE id = ?", (claims.worker,))
        assert Claims(queue.database).recover() == [number]
    assert queue.job(number).state is State.QUEUED and queue.units(number)[0].deaths == 0


def test_any_kind_of_job_runs(queue: Queue, worker: Worker, tmp_path: Path) -> None:
    assert jobs.job_class("export") is ExportJob
    (tmp_path / "catalogue").mkdir()
    write_atomically(tmp_path / "catalogue" / "metadata.jsonl", b"")
    number = queue.add(ExportJob(catalogue="nowhere", out="x.csv", to="captions.csv"), folder=tmp_path).id
    worker.run(until_empty=True)
    one = queue.job(number)
    assert one.state is State.FAILED and "nowhere" in (one.error or "")


def test_what_a_job_without_pictures_returned_is_kept(
    queue: Queue, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class Answer:
        words: tuple[str, ...]
        place: Path
        share: float

    monkeypatch.setattr(ExportJob, "run", lambda job, context: Answer(("a",), Path("b"), float("nan")))
    number = queue.add(ExportJob(catalogue="a", out="x.csv", to="captions.csv")).id
    worker.run(until_empty=True)
    assert queue.units(number)[0].report == {"words": ["a"], "place": "b", "share": None}


def test_one_worker_for_a_slot(workspace: Workspace) -> None:
    lock = workspace.place("locks") / "worker-0"
    said = pytest.raises(AlreadyRunning, match=f"taken by {os.getpid()}")
    with held(lock, "taken by {}"), said, held(lock, "taken by {}"):
        pass
    waited: list[int] = []
    with held(lock, "taken"):
        pass
    with held(lock, "taken", wait=lambda: bool(waited.append(1))):
        assert not waited
