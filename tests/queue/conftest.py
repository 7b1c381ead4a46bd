"""A queue of the test's own, and a worker of this process that draws."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.queue.drawn import DrawJob

from impasto import jobs
from impasto.queue.store import Queue
from impasto.queue.worker import Worker
from impasto.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def queue(workspace: Workspace) -> Iterator[Queue]:
    opened = Queue.open(workspace)
    yield opened
    opened.close()


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of the kind "paint" draw squares."""
    monkeypatch.setitem(jobs.HOMES, "paint", "tests.queue.drawn:DrawJob")
    monkeypatch.setattr("impasto.jobs.batch.PaintJob", DrawJob)


@pytest.fixture
def worker(queue: Queue, drawing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.chdir(tmp_path)  # and back: jobs run in their own folders
    monkeypatch.setattr("impasto.queue.worker.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("impasto.queue.watch.LOOK_SECONDS", 0.02)
    return Worker(queue.workspace, queue)
