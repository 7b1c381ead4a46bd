"""`impasto mcp`: a server of the Model Context Protocol over stdin and stdout."""

from typing import Annotated

import typer

from impasto.cli.queue.opening import WorkspaceFolder


def mcp(
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Keep a worker process.")] = True,
    workspace: WorkspaceFolder = None,
) -> None:
    """Serve tools for programs with language models: paint, expand, show, search the gallery (MCP over stdio).

    A studio serves the same at /mcp.
    """
    from importlib.util import find_spec

    from impasto.errors import MissingPart
    from impasto.workspace import Workspace

    for package in ("mcp", "fastapi"):
        if find_spec(package) is None:
            raise MissingPart(f"the server needs {package}: pip install 'impasto[studio]'")
    from impasto.studio.clients.mcp.stdio import serve_stdio

    serve_stdio(Workspace.open(workspace), worker=worker)
