"""What a server is started with."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from impasto.errors import UsageError
from impasto.workspace import Workspace

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_TOKEN = 16  # characters


@dataclass(frozen=True)
class Limits:
    """What one client, and all together, may ask of the server.

    Attributes:
        rate: changing requests a second of one client; `burst` of them at once.
        body_bytes: of a request; `upload_bytes` under the prefixes in `upload_paths`.
        streams: open event streams. connections: open connections.
        waiting_jobs: jobs in the queue.
    """

    rate: float = 50.0
    burst: int = 200
    body_bytes: int = 2 << 20
    upload_bytes: int = 33 << 20
    upload_paths: tuple[str, ...] = (
        "/api/v1/uploads", "/sdapi/v1/img2img", "/sdapi/v1/png-info", "/sdapi/v1/extra-", "/v1/images/edits",
    )  # fmt: skip
    streams: int = 64
    connections: int = 400
    waiting_jobs: int = 10_000


@dataclass(frozen=True)
class StudioSettings:
    """The settings of a server.

    Attributes:
        workspace: its queue, gallery and pictures.
        host, port: where it listens.
        token: what clients must know; "" for none, on loopback only.
        allowed_hosts: further names by which it is called, besides addresses and this machine's name.
        read_only: it shows and changes nothing.
        signing: the files of a private key and its certificate, PEM, for downloads with Content Credentials; None for none.
    """

    workspace: Workspace
    host: str = "127.0.0.1"
    port: int = 7860
    token: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ()
    read_only: bool = False
    signing: tuple[Path, Path] | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise UsageError(f"--port {self.port}: use 1 to 65535, or 0 for any")
        if not self.is_local and not self.token:
            raise UsageError(f"--host {self.host} lets other machines in: give --token-file FILE with a secret of your own")
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise UsageError(f"the token has {len(self.token)} characters: use {SHORTEST_TOKEN} or more")

    @property
    def is_local(self) -> bool:
        """Whether it listens to this machine alone."""
        return self.host in LOOPBACK


def read_token(file: Path) -> str:
    """Returns the token in a file: its text without spaces around.

    Raises:
        UsageError: there is no such file, or others may read it.
    """
    from impasto.files import check_file

    check_file(file, "--token-file ")
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise UsageError(f"--token-file {file}: others may read it: chmod 600 {file}")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"--token-file {file} cannot be read: {error}") from None
