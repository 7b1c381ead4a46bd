"""Computes the SHA-256 of files and caches it in the user's cache, so that unchanged files are not read again."""

import hashlib
import os
import sqlite3
import threading
import time
from functools import lru_cache
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.settings import cache_folder

REMEMBERED_FROM = 64 << 20  # bytes: smaller parts of a checkpoint are hashed again each time, in a tenth of a second
# A file that changed a moment ago may change again within one tick of its file system's clock (2 s on FAT), with the
# same size and time, so its hash is not cached yet.
SETTLED_NS = 2_000_000_000


def hash_file(file: Path, *, remembered_from: int = REMEMBERED_FROM) -> str:
    """Returns the file's SHA-256, hexadecimal.

    The hashes of files of `remembered_from` bytes or more are cached by path, size and modification time. The function may
    be called from several threads and processes.

    Raises:
        ImpastoError: the file cannot be read.
    """
    try:
        state = file.stat()
        memory = _memory(cache_folder(), os.getpid()) if state.st_size >= remembered_from else None
        path = os.path.abspath(file)  # noqa: PTH100 - links are followed by stat; to resolve them costs more than to look up
        known = memory.recall(path, state) if memory is not None else None
        if known is not None:
            return known
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        after = file.stat()
    except OSError as error:
        raise ImpastoError(f"{file} cannot be read: {error.strerror}") from None
    unchanged = (state.st_size, state.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if memory is not None and unchanged and time.time_ns() - state.st_mtime_ns > SETTLED_NS:
        memory.remember(path, state, found)
    return found


@lru_cache(maxsize=4)
def _memory(folder: Path, process: int) -> "_HashMemory":
    del process  # a connection must not be used on the other side of a fork
    return _HashMemory(folder / "hashes.sqlite")


class _HashMemory:
    """An SQLite table: path -> size, modification time, SHA-256.

    If it cannot be used (a full disk, a read-only home), hashing takes longer but does not fail. A broken table is replaced
    with a new one.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._table: sqlite3.Connection | None = None
        for _ in range(2):
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._table = self._open(file)
                return
            except sqlite3.OperationalError:  # locked or not writable, which another process may depend on
                return
            except sqlite3.DatabaseError:
                file.unlink(missing_ok=True)
            except OSError:
                return

    @staticmethod
    def _open(file: Path) -> sqlite3.Connection:
        table = sqlite3.connect(file, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            # A commit to the write-ahead log without a sync takes microseconds; a power cut may lose the last commits.
            table.execute("PRAGMA journal_mode=WAL")
            table.execute("PRAGMA synchronous=NORMAL")
            table.execute(
                "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT)"
            )
        except sqlite3.Error:
            table.close()
            raise
        return table

    def recall(self, path: str, state: os.stat_result) -> str | None:
        question = "SELECT sha256 FROM hashes WHERE path = ? AND size = ? AND mtime_ns = ?"
        row = self._execute(question, (path, state.st_size, state.st_mtime_ns))
        return row[0] if row is not None and isinstance(row[0], str) and len(row[0]) == 64 else None

    def remember(self, path: str, state: os.stat_result, found: str) -> None:
        order = "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)"
        self._execute(order, (path, state.st_size, state.st_mtime_ns, found))

    def _execute(self, statement: str, values: tuple[str | int, ...]) -> tuple[object, ...] | None:
        with self._lock:
            try:
                return self._table.execute(statement, values).fetchone() if self._table is not None else None
            except (sqlite3.Error, UnicodeEncodeError):  # the latter for a name with bytes that are not text
                return None
