"""What runs on the fleet, where and how far: a small file of each driver in the workspace, for `impasto jobs`."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.workspace import Workspace

FOLDER = "fleet"
_MOST_SECONDS = 1.0  # between two writes
_PART, _FREE_SECONDS = 0.01, 0.1  # at most this part of the time, and these seconds more, go into writing
_KEPT_SECONDS = 24 * 3600.0  # files of drivers that ended


@dataclass
class Status:
    """A job on the fleet.

    Attributes:
        kind, title: of the job. `place`: as `--on` takes it. `pid`, `host`: of the driver.
        state: "running", "done", "stopped", "failed", or, of a driver that was killed, "lost".
        stage, share: as in `Progress`.
        workers, lost_workers, retries, rows_per_second: as in `tally.Count`; the speed of a job that ended is that of all.
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
        self._begun = self._written = time.monotonic()
        self._spent = 0.0
        self._file: Path | None = None
        with suppress(ImpastoError, OSError):
            folder = Workspace.open().place(FOLDER)
            self._file = folder / f"{status.host}-{status.pid}-{int(status.started * 1000)}.json"
            _remove_old(folder)
        self.write(now=True)

    def write(self, *, now: bool = False) -> None:
        """Writes the status at every unit, unless that would take more than a hundredth of the time; or `now`.

        It is not synced to the disk, so that it takes 0.1 ms: it survives a kill of the driver, which is what it is for.
        """
        begun = time.monotonic()
        is_dear = self._spent > _FREE_SECONDS + _PART * (begun - self._begun)
        if self._file is None or (not now and is_dear and begun - self._written < _MOST_SECONDS):
            return
        self.status.seen = time.time()
        with suppress(OSError):
            part = self._file.with_suffix(".part")
            part.write_bytes(json.dumps(asdict(self.status), ensure_ascii=False).encode("utf-8", "replace"))
            part.replace(self._file)
        self._written = time.monotonic()
        self._spent += self._written - begun


def read_statuses(workspace: Path) -> list[Status]:
    """Returns the jobs of a workspace that run or ended in the last day, those that began last first. It only reads."""
    found = (status for _, status in _read(workspace / FOLDER) if not _is_old(status))
    return sorted(found, key=lambda one: -one.started)


def _remove_old(folder: Path) -> None:
    for file, status in _read(folder):
        if _is_old(status):
            file.unlink(missing_ok=True)


def _is_old(status: Status) -> bool:
    return status.state != "running" and time.time() - status.seen > _KEPT_SECONDS


def _read(folder: Path) -> Iterator[tuple[Path, Status]]:
    for file in sorted(folder.glob("*.json")):
        try:
            status = Status(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if status.state == "running" and status.host == socket.gethostname() and not _is_alive(status.pid):
            status.state = "lost"
        yield file, status


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
