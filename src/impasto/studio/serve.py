"""Runs the studio's server and its worker: one server for a workspace."""

import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from impasto.errors import ImpastoError
from impasto.queue.locks import held
from impasto.queue.supervisor import Supervisor
from impasto.studio.app import create_app
from impasto.studio.settings import StudioSettings
from impasto.studio.state import Studio

_PATIENCE = 3  # seconds for open answers when the server ends


def serve(
    settings: StudioSettings,
    *,
    worker: bool = True,
    on_ready: Callable[[str], None] = lambda address: None,
    worker_command: Sequence[str] | None = None,
    worker_options: Sequence[str] = (),
) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        settings: what to serve, and where.
        worker: whether a worker process is started, and again whenever it dies. A read-only server has none.
        on_ready: called with the server's address when it answers.
        worker_command: what is run as the worker, in place of `impasto queue work`.
        worker_options: further options of `impasto queue work`.

    Raises:
        ImpastoError: another server has this workspace, or the address is taken.
    """
    lock = settings.workspace.place("locks") / "studio"
    message = f"a studio serves {settings.workspace.folder} already (process {{}}): use its page, or another --workspace"
    with held(lock, message), _listening(settings) as listener:
        address = f"http://{_shown(settings.host)}:{listener.getsockname()[1]}"
        app = create_app(settings)
        server = _Server(_config(app, settings), app.state.studio, lambda: on_ready(address))
        supervisor = None
        if worker and not settings.read_only:
            supervisor = Supervisor(settings.workspace, command=worker_command, options=worker_options)
        if supervisor is not None:
            supervisor.start()
        try:
            with _outliving_signals():
                server.run(sockets=[listener])
        finally:
            if supervisor is not None:
                supervisor.end()


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, studio: Studio, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._studio, self._on_ready = studio, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._studio.news.end()  # streams end, so that nobody waits for them
        await super().shutdown(sockets)


@contextmanager
def _outliving_signals() -> Iterator[None]:
    """Uvicorn raises SIGTERM and SIGINT again when it has ended; the worker must be ended before this process is."""
    before = {number: signal.signal(number, lambda *words: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _config(app: FastAPI, settings: StudioSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_PATIENCE,
        limit_concurrency=settings.limits.connections, timeout_keep_alive=15, proxy_headers=False,
    )  # fmt: skip


def _listening(settings: StudioSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        place = f"{settings.host}:{settings.port}"
        raise ImpastoError(f"cannot listen on {place} ({reason}): give another --port or --host") from None
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
