"""`impasto mcp`: the server over stdin and stdout, on a workspace's queue, with a worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from impasto.queue.supervisor import Supervisor
from impasto.studio.settings import StudioSettings
from impasto.studio.state import Studio
from impasto.workspace import Workspace

LOG = "mcp-worker.log"


def serve_stdio(workspace: Workspace, *, worker: bool = True) -> None:
    """Serves until stdin ends. Nothing else is written to stdout, which is the wire.

    Args:
        workspace: whose queue and gallery are used; a studio may serve it at the same time.
        worker: whether a worker process is kept; while another one has the workspace's slot, it waits. Its lines go to
            `mcp-worker.log` in the workspace.

    Raises:
        DatabaseBusy, DiskFull, ImpastoError: the workspace's files cannot be opened.
    """
    from impasto.studio.clients.mcp.server import make_server

    studio = Studio(StudioSettings(workspace))

    @asynccontextmanager
    async def lifespan(server: Any) -> AsyncIterator[None]:
        del server
        studio.news.start()
        yield

    supervisor = Supervisor(workspace, log=workspace.folder / LOG) if worker else None
    if supervisor is not None:
        supervisor.start()
    try:
        make_server(studio, lifespan).run("stdio")
    finally:
        if supervisor is not None:
            supervisor.end()
        studio.close()
