"""What runs on the fleet, where and how far: a small file of each driver in the workspace, for `impasto jobs`."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.workspace import Workspace

FOLDER = "fleet"
_WRITE_SECONDS = 1.0
_KEPT_SECONDS = 24 * 3600.0  # files of drivers that ended


@dataclass
class Status:
    """A job on the fleet.

    Attributes:
        kind, title: of the job. `place`: as `--on` takes it. `pid`, `host`: of the driver.
        state: "running", "done", "stopped", "failed", or, of a driver that was killed, "lost".
        stage, share: as in `Progress`.
        workers, lost_workers, retries, rows_per_second: as in `tally.Count`.
        started, seen, ends: seconds since 1970. `seen` of a job that ended is its end; `ends`: when one that runs may end.
        error: why it failed.
    """

    kind: str
    title: str
    place: str
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    state: str = "running"
    stage: str = "starting"
    share: float = 0.0
    workers: int = 0
    lost_workers: int = 0
    retries: int = 0
    rows_per_second: float = 0.0
    started: float = field(default_factory=time.time)
    seen: float = field(default_factory=time.time)
    ends: float | None = None
    error: str = ""


class StatusFile:
    """The file of this driver. That it cannot be written does not hinder the job."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self._written = 0.0
        self._file: Path | None = None
        with suppress(ImpastoError):
            self._file = Workspace.open().place(FOLDER) / f"{status.host}-{status.pid}-{int(status.started * 1000)}.json"
        self.write(now=True)

    def write(self, *, now: bool = False) -> None:
        """Writes the status, once a second at most, or `now`."""
        if self._file is None or (not now and time.monotonic() - self._written < _WRITE_SECONDS):
            return
        self._written = time.monotonic()
        self.status.seen = time.time()
        with suppress(OSError):
            write_atomically(self._file, json.dumps(asdict(self.status), ensure_ascii=False).encode("utf-8", "replace"))


def read_statuses(workspace: Workspace) -> list[Status]:
    """Returns the jobs of a workspace, those that began last first; files of jobs that ended a day ago are removed.

    Raises:
        ImpastoError: the workspace cannot be read.
    """
    found = []
    for file in workspace.place(FOLDER).glob("*.json"):
        try:
            status = Status(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if status.state == "running" and status.host == socket.gethostname() and not _is_alive(status.pid):
            status.state = "lost"
        if status.state != "running" and time.time() - status.seen > _KEPT_SECONDS:
            file.unlink(missing_ok=True)
            continue
        found.append(status)
    return sorted(found, key=lambda one: -one.started)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
