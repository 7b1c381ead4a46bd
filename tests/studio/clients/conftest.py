"""A studio that is asked over a socket by real clients, with a worker that paints with a tiny checkpoint."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from impasto.queue.worker import Worker
from impasto.studio.app import create_app
from impasto.studio.requests import listed
from impasto.studio.settings import Limits, StudioSettings
from impasto.studio.state import Studio
from impasto.workspace import Workspace

SIDE = 64  # px of the tiny checkpoint's pictures


@dataclass(frozen=True)
class Served:
    """A studio that answers, its port and its address."""

    studio: Studio
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(folder: Path, *, worker: bool = True, **settings: Any) -> Iterator[Served]:
    """Serves a workspace in threads of this process; jobs run in their own folder, so the present one is put back."""
    here, ended = Path.cwd(), threading.Event()
    app = create_app(StudioSettings(Workspace.open(folder), port=0, **settings))
    studio: Studio = app.state.studio
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False, timeout_graceful_shutdown=2))
    threads = [threading.Thread(target=server.run, daemon=True)]
    if worker:
        works = Worker(studio.workspace, studio.queue, should_end=ended.is_set, on_files=studio.gallery.add_files)
        threads.append(threading.Thread(target=works.run, daemon=True))
    for thread in threads:
        thread.start()
    while not server.started:
        assert threads[0].is_alive()
        threads[0].join(0.02)
    try:
        yield Served(studio, server.servers[0].sockets[0].getsockname()[1])
    finally:
        ended.set()
        studio.news.end()
        server.should_exit = True
        for thread in reversed(threads):
            thread.join(20)
        os.chdir(here)


@pytest.fixture(autouse=True)
def drawing() -> None:
    """Here jobs really paint: this takes the place of the fixture of that name for the tests beside."""


@pytest.fixture(scope="module")
def painter_home(tiny_pocket: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The environment of a server with the tiny checkpoint alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_POCKET", str(tiny_pocket))
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr("impasto.studio.app._warm_up", lambda: None)
        patch.setattr("impasto.queue.worker.LOOK_SECONDS", 0.02)
        patch.setattr("impasto.queue.watch.LOOK_SECONDS", 0.02)
        patch.setattr("impasto.queue.worker.PROGRESS_SECONDS", 0.02)
        listed._checkpoints.cache_clear()
        yield tmp_path_factory.mktemp("workspace")
        listed._checkpoints.cache_clear()


@pytest.fixture(scope="module")
def served(painter_home: Path) -> Iterator[Served]:
    with serving(painter_home, limits=Limits(rate=1000, burst=10_000)) as one:
        yield one
