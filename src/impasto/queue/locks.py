"""Locks of which there is one for each process of a kind in a workspace; the system frees them when the process dies."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError


class AlreadyRunning(ImpastoError):
    """Another process holds the lock."""


@contextmanager
def held(file: Path, message: str, *, wait: Callable[[], bool] | None = None) -> Iterator[None]:
    """Holds a lock.

    Args:
        file: the lock's file; it stays.
        message: what the error says; `{}` in it becomes the number of the process that holds the lock.
        wait: called ten times a second while another process holds it; the waiting goes on while it returns True.

    Raises:
        AlreadyRunning: another process holds it, and there is no waiting.
    """
    with file.open("a+b") as handle:
        while not _lock(handle):
            if wait is None or not wait():
                handle.seek(0)
                holder = handle.read(20).decode(errors="replace").strip() or "unknown"
                raise AlreadyRunning(message.format(holder))
            time.sleep(0.1)
        handle.truncate(0)
        handle.write(str(os.getpid()).encode())
        handle.flush()
        yield


def _lock(handle: BinaryIO) -> bool:
    try:
        if os.name == "nt":  # pragma: no cover
            import msvcrt

            handle.seek(1 << 30)  # beyond the number that is written
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
