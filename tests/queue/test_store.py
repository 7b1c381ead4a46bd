"""What is accepted is kept; jobs are listed, moved, paused, cancelled, tried again and cleared, each change once."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from impasto.database import Database, DatabaseBusy, DiskFull
from impasto.errors import ImpastoError, UsageError
from impasto.jobs import job_from_json
from impasto.jobs.batch import BatchJob
from impasto.jobs.painting.paint import PaintJob
from impasto.queue.claims import Claims
from impasto.queue.records import QueueFull, State, UnknownJob
from impasto.queue.schema import MIGRATIONS
from impasto.queue.store import Queue
from impasto.queue.worker import Worker
from impasto.workspace import Workspace


def paint(prompt: str = "boats", **fields: object) -> PaintJob:
    return PaintJob(prompt=prompt, **fields)


def order(queue: Queue) -> list[int]:
    return [job.id for job in queue.waiting()]


def test_an_accepted_job_is_there_after_another_opening(queue: Queue, workspace: Workspace) -> None:
    accepted = queue.add(paint(count=500), origin="cli", priority=3)
    assert (accepted.state, accepted.units, accepted.title, accepted.priority) == (State.QUEUED, 500, "boats", 3)
    again = Queue.open(workspace)
    assert again.job(accepted.id) == accepted
    job = job_from_json(again.request(accepted.id))
    assert isinstance(job, PaintJob) and job.seed is not None  # drawn now, so that a repeated part is the same picture
    again.close()


def test_a_repeated_request_is_accepted_once(queue: Queue) -> None:
    first = queue.add(paint(), request="abc")
    assert queue.add(paint("other"), request="abc") == first
    assert queue.add(paint(), request="abd").id != first.id
    with pytest.raises(UsageError, match="1 to 200 characters"):
        queue.add(paint(), request="x" * 201)


def test_the_queue_has_an_end_and_says_so(workspace: Workspace) -> None:
    queue = Queue.open(workspace, most_waiting=3)
    one, *_ = queue.add_all([paint(), paint()])
    with pytest.raises(QueueFull, match="the queue is full: 2 jobs wait, and it takes 3"):
        queue.add_all([paint(), paint()])
    assert len(queue.waiting()) == 2  # all or none
    queue.add(paint())
    queue.cancel(one.id)
    queue.add(paint())
    with pytest.raises(QueueFull):
        queue.retry(one.id)
    queue.close()


def test_higher_priorities_run_first_then_the_order_of_asking(queue: Queue) -> None:
    a, b, c = (queue.add(paint()).id for _ in range(3))
    urgent, front = queue.add(paint(), priority=1).id, queue.add(paint(), front=True).id
    assert order(queue) == [urgent, front, a, b, c]
    queue.move(c, before=b)
    assert order(queue) == [urgent, front, a, c, b] and queue.place(c) == 3
    queue.move(a)
    queue.move(b, front=True)
    queue.move(front, priority=1)
    assert order(queue) == [urgent, front, b, c, a]
    for _ in range(80):  # half the room, again and again: then it is numbered anew
        queue.move(a, before=c)
        queue.move(c, before=a)
    assert order(queue) == [urgent, front, b, c, a]
    with pytest.raises(UsageError, match="priority 1001: use -1000 to 1000"):
        queue.move(a, priority=1001)
    queue.cancel(a)
    with pytest.raises(UsageError, match=f"job {a} is cancelled: only queued jobs have an order"):
        queue.move(b, before=a)


def test_cancelling_and_pausing_one_leaves_the_others_alone(queue: Queue) -> None:
    a, b = queue.add(paint()).id, queue.add(paint()).id
    claims = Claims(queue.database)
    claimed = claims.claim()
    assert claimed is not None and claimed.job == a
    assert queue.cancel(b) and not queue.cancel(b)
    assert queue.job(a).state is State.RUNNING and claims.asked(claimed) is None
    assert queue.pause(a) and not queue.pause(a) and claims.asked(claimed) == "pause"
    assert queue.resume(a) and claims.asked(claimed) is None
    assert queue.cancel(a) and not queue.cancel(a) and claims.asked(claimed) == "cancel"
    claims.release(claimed)
    assert queue.job(a).state is State.CANCELLED
    with pytest.raises(UsageError, match="is cancelled and cannot be paused"):
        queue.pause(a)


def test_of_many_who_cancel_at_once_one_does_it(queue: Queue) -> None:
    numbers = [queue.add(paint()).id for _ in range(20)]
    done: list[bool] = []

    def cancel() -> None:
        done.extend([queue.cancel(number) for number in numbers])

    threads = [threading.Thread(target=cancel) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 20 and queue.counts().cancelled == 20


def test_an_unknown_job_is_named_by_every_call(queue: Queue) -> None:
    for call in (queue.job, queue.request, queue.cancel, queue.pause, queue.resume, queue.retry, queue.clear, queue.move):
        for number in (99, 2**70):
            with pytest.raises(UnknownJob, match=f"there is no job {number}"):
                call(number)


def test_ended_jobs_are_tried_again_and_cleared(queue: Queue, worker: Worker) -> None:
    good, bad = queue.add(paint(count=2, seed=0)).id, queue.add(paint("fail", count=3, seed=0)).id
    worker.run(until_empty=True)
    assert queue.job(bad).error == "1 of 3 parts failed; the first: seed 1 does not work"
    with pytest.raises(UsageError, match="is done: only a failed or cancelled job"):
        queue.retry(good)
    before = [unit.attempts for unit in queue.units(bad)]
    assert queue.retry(bad).state is State.QUEUED
    with pytest.raises(UsageError, match="cancel it first"):
        queue.clear(bad)
    worker.run(until_empty=True)
    assert queue.job(bad).state is State.FAILED and [unit.attempts for unit in queue.units(bad)] == before  # done ones stay
    assert queue.clear() == 2 and queue.jobs() == [] and len(list(queue.workspace.pictures.iterdir())) == 4


def test_a_batch_is_one_row_that_is_checked_whole(queue: Queue) -> None:
    batch = BatchJob(base={"steps": 2}, prompts=("boats", "trees"), artists=("Claude Monet", "none"),
                     settings=({"steps": 5}, {}), seeds=(4, 9))  # fmt: skip
    assert queue.add(batch).units == batch.total == 16 and queue.job(1).title == "boats (16 paintings)"
    long = queue.add(BatchJob(base={"prompt": "boats " * 40}, count=3)).title
    assert len(long) == 120 and long.endswith("… (3 paintings)")
    units = [batch.unit(n) for n in range(16)]
    assert len({(u.prompt, u.artist, u.steps, u.seed) for u in units}) == 16
    assert (units[0].seed, units[1].seed, units[2].steps, units[4].artist, units[8].prompt) == (4, 9, 2, "", "trees")
    with pytest.raises(UsageError, match="steps 0: use 1 to 1000"):
        BatchJob(prompts=("boats",), settings=({"steps": 3}, {"steps": 0}))
    with pytest.raises(UsageError, match=r"settings\.0\.seed: a batch has its own"):
        BatchJob(prompts=("boats",), settings=({"seed": 3},))
    with pytest.raises(UsageError, match="use at most 100000"):
        BatchJob(prompts=("boats",), count=100_001)


def test_pages_of_ended_jobs(queue: Queue) -> None:
    numbers = [queue.add(paint()).id for _ in range(7)]
    queue.cancel(numbers[2])
    first = queue.jobs(most=3)
    assert [job.id for job in first] == numbers[:3:-1]
    assert [job.id for job in queue.jobs(before=first[-1].id)] == numbers[3::-1]
    assert [job.id for job in queue.jobs([State.CANCELLED])] == [numbers[2]]
    assert queue.cancel_waiting() == 6 and queue.counts().queued == 0


def test_a_locked_file_is_one_sentence_and_the_queue_goes_on(workspace: Workspace) -> None:
    queue = Queue(workspace, Database(workspace.queue_file, MIGRATIONS, name="the queue", wait=0.05))
    other = sqlite3.connect(workspace.queue_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy, match=r"the queue .* is in use by another process for 0.05 s: try again"):
        queue.add(paint())
    assert queue.waiting() == []
    other.execute("ROLLBACK")
    other.close()
    assert queue.add(paint()).id == 1
    queue.close()


def test_a_full_disk_is_one_sentence_and_the_queue_goes_on(queue: Queue) -> None:
    with queue.database.write() as link:
        pages = link.execute("PRAGMA page_count").fetchone()[0]
    queue.database._writer.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DiskFull, match="was not changed, the disk is full: free some space"):
        for _ in range(2000):
            queue.add(paint("x" * 2000))
    known = len(queue.waiting())
    queue.database._writer.execute("PRAGMA max_page_count=1000000")
    queue.add(paint())
    assert len(queue.waiting()) == known + 1


def test_files_that_are_no_queue_are_named(workspace: Workspace) -> None:
    workspace.queue_file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(ImpastoError, match="is no usable database"):
        Queue.open(workspace)
    workspace.queue_file.unlink()
    Queue.open(workspace).close()
    link = sqlite3.connect(workspace.queue_file)
    link.execute("PRAGMA user_version=99")
    link.close()
    with pytest.raises(ImpastoError, match="comes from a newer impasto"):
        Queue.open(workspace)


def test_many_processes_may_open_a_new_queue_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from impasto.workspace import Workspace;"
        "from impasto.queue.store import Queue;"
        "from impasto.jobs.data.export import ExportJob;"
        "Queue.open(Workspace.open(Path(sys.argv[1]))).add(ExportJob(catalogue='a', to='parquet', out='b'))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")]) for _ in range(3)]
    assert [one.wait(60) for one in started] == [0, 0, 0]
    queue = Queue.open(Workspace.open(tmp_path / "new"))
    assert len(queue.waiting()) == 3
    queue.close()
