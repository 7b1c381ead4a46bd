"""`impasto studio`: the server with its worker."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say
from impasto.cli.fleet_options import chosen_place, with_fleet
from impasto.cli.queue.opening import WorkspaceFolder


@with_fleet
def studio(
    port: Annotated[int, typer.Option(help="Where it listens; 0 for any free port.")] = 7860,
    host: Annotated[
        str, typer.Option(help="The address for other machines, such as 0.0.0.0; needs --token-file.", metavar="ADDRESS")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the secret that clients must know; only you may read it.", metavar="FILE"),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name by which it is called; may be repeated.", metavar="NAME")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show, and change nothing.")] = False,
    sign_key: Annotated[
        Path | None, typer.Option(help="The private key, PEM, for downloads with Content Credentials.", metavar="FILE")
    ] = None,
    sign_certificate: Annotated[Path | None, typer.Option(help="The key's certificate, PEM.", metavar="FILE")] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Start a worker process.")] = True,
    workspace: WorkspaceFolder = None,
) -> None:
    """Serve the studio: paint, queue and look through paintings in a browser, or through its API.

    With --on, its worker has the pictures of its jobs painted there, several at once.
    """
    from importlib.util import find_spec

    from impasto.errors import MissingPart, UsageError
    from impasto.workspace import Workspace

    for package in ("fastapi", "uvicorn", "jinja2", "python_multipart"):
        if find_spec(package) is None:
            raise MissingPart(f"the studio needs {package}: pip install 'impasto[studio]'")
    from impasto.studio.serve import serve
    from impasto.studio.settings import StudioSettings, read_token

    signing = None
    if sign_key is not None and sign_certificate is not None:
        from impasto.painting.credentials.identity import SigningIdentity

        signing = (sign_key.absolute(), sign_certificate.absolute())
        SigningIdentity.load(*signing)  # what is wrong with it is said now, not at the first download
    elif sign_key is not None or sign_certificate is not None:
        raise UsageError("--sign-key and --sign-certificate belong together: give both, or none")
    place = chosen_place()
    if place is not None and (read_only or not worker):
        raise UsageError("--on says where the studio's worker spreads its work: leave out --no-worker and --read-only")
    settings = StudioSettings(
        Workspace.open(workspace), host, port, read_token(token_file) if token_file is not None else "",
        tuple(name.lower() for name in allow_host or ()), read_only, signing,
    )  # fmt: skip
    options = place.words() if place is not None else ()
    serve(settings, worker=worker, on_ready=lambda address: say(address), worker_options=options)
