"""Which process is which: a worker of this machine that died is known at once, without waiting for its lease to end."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, so that no other one is taken for it.

    Attributes:
        host: the machine's name, and its process namespace (a container has its own).
        boot: changes with every start of the machine; "" if it is not known.
        pid: its number, which the system uses again.
        born: when it began, in the machine's ticks; "" if it is not known.
    """

    host: str
    boot: str
    pid: int
    born: str

    @classmethod
    def this(cls) -> "Process":
        """The calling process."""
        return cls(_host(), _boot(), os.getpid(), _born(os.getpid()))

    @property
    def is_dead(self) -> bool | None:
        """Whether it has ended; None if that cannot be known from here."""
        if self.host != _host() or not self.boot or not self.born:
            return None
        return self.boot != _boot() or _born(self.pid) != self.born

    @property
    def died_with_machine(self) -> bool:
        """Whether this machine was started anew since."""
        return self.host == _host() and bool(self.boot) and self.boot != _boot()


@cache
def _host() -> str:
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


@cache
def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id").strip()


def _born(pid: int) -> str:
    """The start time of a process; "" if there is none, or it has ended and only waits for its parent."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()  # the name before may hold anything
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _read(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError:
        return ""
