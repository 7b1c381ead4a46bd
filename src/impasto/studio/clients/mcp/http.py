"""Streamable HTTP at `/mcp`. The SDK is loaded by the first request; the studio's gate has asked all it asks before."""

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from impasto.studio.state import Studio

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

PATH = "/mcp"


class McpEndpoint:
    """ASGI: a server of the protocol for a studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._starting = asyncio.Lock()
        self._ending = asyncio.Event()
        self._manager: Any = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        async with self._starting:
            if self._manager is None:
                self._manager = await self._start()
            manager = self._manager
        await manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """Ends all sessions."""
        self._ending.set()
        if self._task is not None:
            await self._task

    async def _start(self) -> Any:
        server = await asyncio.to_thread(_loaded, self._studio)
        begun = asyncio.Event()

        async def hold() -> None:
            async with server.session_manager.run():
                begun.set()
                await self._ending.wait()

        self._task = asyncio.create_task(hold())
        await begun.wait()
        return server.session_manager


def _loaded(studio: Studio) -> "MCPServer[Any]":
    from mcp.server.transport_security import TransportSecuritySettings

    from impasto.studio.clients.mcp.server import make_server

    server = make_server(studio)
    # Hosts and origins are the gate's affair, which knows the names of this server.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(streamable_http_path=PATH, transport_security=security)  # makes the session manager
    return server
