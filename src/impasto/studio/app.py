"""The application: the gate, the routers, the errors, and what begins and ends with it."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route

from impasto import __version__
from impasto.studio.api import downloads, events, gallery, jobs, options, pictures
from impasto.studio.clients.a1111 import router as a1111
from impasto.studio.clients.a1111.state import A1111State
from impasto.studio.clients.mcp import http as mcp
from impasto.studio.clients.openai import router as openai
from impasto.studio.errors import ErrorAnswer, answer_errors
from impasto.studio.pages import catalogues, home, interactive, judging, reports, runs, sheets
from impasto.studio.security.gate import Gate
from impasto.studio.settings import StudioSettings
from impasto.studio.state import Studio

API = "/api/v1"
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in (
        (401, "the token is missing"), (403, "not allowed"), (404, "there is no such thing"), (413, "too large"),
        (415, "a wrong type of body"), (422, "a wrong value"), (429, "too much at once"), (501, "a part is missing"),
        (503, "busy"), (507, "the disk is full"),
    )
}  # fmt: skip


def create_app(settings: StudioSettings) -> FastAPI:
    """Makes the application of one server.

    Raises:
        DatabaseBusy, DiskFull, ImpastoError: the workspace's files cannot be opened.
    """
    studio = Studio(settings)
    mcp_endpoint = mcp.McpEndpoint(studio)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        studio.news.start()
        threading.Thread(target=_warm_up, name="warm-up").start()  # no daemon: torch's import must not be cut short
        yield
        await mcp_endpoint.close()
        interactive.helper.close()
        studio.close()

    app = FastAPI(
        title="Impasto", version=__version__, lifespan=lifespan, openapi_url=f"{API}/openapi.json", docs_url=None,
        redoc_url=None, description="Paint, queue and look through paintings. Pictures and weights are named by ids and "
        "listed names; there are no paths.",
    )  # fmt: skip
    app.state.studio = studio
    answer_errors(app)
    api = APIRouter(prefix=API, responses=_ERRORS)
    for module in (jobs, events, pictures, downloads, gallery, options):
        api.include_router(module.router)
    app.include_router(api)
    app.state.a1111 = A1111State(studio)
    app.include_router(a1111.router)
    app.include_router(openai.router)
    app.router.routes.append(Route(mcp.PATH, endpoint=mcp_endpoint))
    for module in (home, interactive, sheets, runs, catalogues, judging, reports):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=home.STATIC))
    app.add_middleware(Gate, settings=settings, sessions=studio.sessions)
    return app


def _warm_up() -> None:
    """Imports what the first job would wait for: the checks of a painting's fields load torch."""
    with suppress(Exception):
        from impasto.jobs.painting.paint import PaintJob

        PaintJob(prompt="boats")
