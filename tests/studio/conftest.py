"""A studio of the test's own, asked without a network, and a worker of this process that draws."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.queue.drawn import DrawJob

from impasto import jobs
from impasto.queue.worker import Worker
from impasto.studio.app import create_app
from impasto.studio.settings import StudioSettings
from impasto.studio.state import Studio
from impasto.workspace import Workspace

Start = Callable[..., TestClient]
LOCAL = "http://127.0.0.1:7860"


@pytest.fixture(autouse=True)
def drawing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Jobs of the kind "paint" draw squares; nothing is imported ahead."""
    monkeypatch.setitem(jobs.HOMES, "paint", "tests.queue.drawn:DrawJob")
    monkeypatch.setattr("impasto.jobs.batch.PaintJob", DrawJob)
    monkeypatch.setattr("impasto.studio.app._warm_up", lambda: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a studio with these settings, and returns a client of it."""
    with ExitStack() as stack:

        def begin(base: str = LOCAL, **settings: Any) -> TestClient:
            app = create_app(StudioSettings(Workspace.open(tmp_path / "workspace"), **settings))
            return stack.enter_context(TestClient(app, base, raise_server_exceptions=False, follow_redirects=False))

        yield begin


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


@pytest.fixture(scope="module")
def _module_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("impasto.studio.app._warm_up", lambda: None)
        app = create_app(StudioSettings(Workspace.open(tmp_path_factory.mktemp("shared"))))
        with TestClient(app, LOCAL, raise_server_exceptions=False, follow_redirects=False) as client:
            yield client


@pytest.fixture
def shared(_module_client: TestClient) -> TestClient:
    """One client for the tests of a module whose requests change nothing."""
    _module_client.cookies.clear()
    return _module_client


@pytest.fixture
def studio(client: TestClient) -> Studio:
    return client.app.state.studio  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]


@pytest.fixture
def work(studio: Studio) -> Callable[[], int]:
    """Runs all jobs that wait."""
    worker = Worker(studio.workspace, studio.queue, on_files=studio.gallery.add_files)
    return lambda: worker.run(until_empty=True)


def png(width: int = 40, height: int = 30, colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, format="PNG")
    return data.getvalue()
