"""SQLite files that several processes and threads use at once: versions, transactions, and errors in one sentence.

A database is in WAL mode: readers never wait, and one writer at a time does. A write is a transaction that begins with
`BEGIN IMMEDIATE`; it is either whole or not there. With `durable`, it is on the disk when the transaction returns
(`PRAGMA synchronous=FULL`); otherwise a power cut may lose the last ones, but never breaks the file.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError

WAIT_SECONDS = 20.0  # for another process to finish its write


class DatabaseBusy(ImpastoError):
    """Another process kept the database for too long; nothing was written, and the same call may be made again."""


class DiskFull(ImpastoError):
    """There is no space for the write; nothing was written, and the same call may be made again."""


class Database:
    """One SQLite file. Safe to use from several threads; each thread reads with a connection of its own."""

    def __init__(self, file: Path, migrations: Sequence[str], *, name: str, wait: float = WAIT_SECONDS) -> None:
        """Opens or creates the file and brings its tables to the present version.

        Args:
            file: the file.
            migrations: SQL scripts; the n-th one brings version n to version n + 1.
            name: what it is, for messages: "the queue".
            wait: seconds to wait for another process's write.

        Raises:
            DatabaseBusy, DiskFull, ImpastoError: it cannot be opened, is no database, or comes from a newer impasto.
        """
        self.file, self.name = file, name
        self._wait = wait
        self._lock = threading.RLock()
        self._threads = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._writer = self._connect()
        self._migrate(migrations)

    def _connect(self) -> sqlite3.Connection:
        with self.told():
            link = sqlite3.connect(self.file, timeout=self._wait, isolation_level=None, check_same_thread=False)
            link.row_factory = sqlite3.Row
            _use_wal(link, self._wait)
            link.execute("PRAGMA foreign_keys=ON")
            link.execute("PRAGMA synchronous=FULL")
            link.execute("PRAGMA wal_autocheckpoint=2000")
        self._opened.append(link)
        return link

    def _migrate(self, migrations: Sequence[str]) -> None:
        with self.write() as link:
            version = link.execute("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise ImpastoError(
                    f"{self.file} comes from a newer impasto: it has version {version}, this one reads {len(migrations)}"
                )
            for number in range(version, len(migrations)):
                for statement in filter(str.strip, migrations[number].split(";\n")):
                    link.execute(statement)
                link.execute(f"PRAGMA user_version={number + 1}")

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Runs a write transaction; an exception undoes it.

        Raises:
            DatabaseBusy, DiskFull, ImpastoError: it was not written.
        """
        with self._lock, self.told():
            link = self._writer
            if link.in_transaction:  # nested: a part of the transaction outside
                yield link
                return
            link.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            link.execute("BEGIN IMMEDIATE")
            try:
                yield link
                link.execute("COMMIT")
            except BaseException:
                if link.in_transaction:
                    link.execute("ROLLBACK")
                raise

    def read(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Returns the rows of a query.

        Raises:
            DatabaseBusy, ImpastoError: it cannot be read.
        """
        link = getattr(self._threads, "link", None)
        if link is None:
            with self._lock:
                link = self._threads.link = self._connect()
        with self.told():
            return link.execute(sql, parameters).fetchall()

    def read_one(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """Returns the first row of a query, or None."""
        rows = self.read(sql, parameters)
        return rows[0] if rows else None

    @contextmanager
    def told(self) -> Iterator[None]:
        """Converts SQLite's errors to a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise self._sentence(error) from None
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise ImpastoError(f"{self.file} is no usable database ({error}): move it away to begin a new one") from None

    def _sentence(self, error: sqlite3.OperationalError) -> ImpastoError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return DatabaseBusy(f"{self.name} {self.file} is in use by another process for {self._wait:g} s: try again")
        if code == sqlite3.SQLITE_FULL:
            return DiskFull(f"{self.name} {self.file} was not changed, the disk is full: free some space and try again")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
            return ImpastoError(f"{self.name} {self.file} cannot be written or read: {error}")
        return ImpastoError(f"{self.name} {self.file}: {error}")

    def close(self) -> None:
        """Closes all connections, of whatever thread."""
        with self._lock:
            for link in self._opened:
                link.close()
            self._opened.clear()


def _use_wal(link: sqlite3.Connection, wait: float) -> None:
    """Switches to WAL; unlike for a write, SQLite does not wait for a process that is just doing the same."""
    until = time.monotonic() + wait
    while True:
        try:
            link.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
