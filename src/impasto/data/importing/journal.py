"""The import journal, an SQLite file that lets an import resume.

It stores how each picture looked and which file name it was given.
"""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from impasto.data.importing.perceptual_hash import Appearance
from impasto.errors import ImpastoError, UsageError

FOLDER = ".import"  # in the catalogue; hidden, so that it is not read as a part of it
_TABLES = """
CREATE TABLE IF NOT EXISTS looks (
    source TEXT, key TEXT, stamp TEXT, reason TEXT, width INTEGER, height INTEGER, bits BLOB, thumbnail BLOB,
    PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (source TEXT, key TEXT, file_name TEXT UNIQUE, PRIMARY KEY (source, key)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Look:
    """The appearance of a picture, or the reason why it cannot be used. `stamp` changes when its file changes."""

    stamp: str
    appearance: Appearance | None
    reason: str = ""


class ImportJournal:
    """The journal of one catalogue, locked by one process at a time. Each `add_...` returns when its data is on disk."""

    def __init__(self, catalogue: Path) -> None:
        self.folder = Path(catalogue) / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(f"another import into {catalogue} is under way") from None
        self._path = self.folder / "journal.sqlite"
        with self._errors():
            self._tables = sqlite3.connect(self._path)
            self._tables.execute("PRAGMA synchronous = FULL")
            self._tables.executescript(_TABLES)

    def close(self) -> None:
        """Closes the journal and releases its lock, so that another import may begin."""
        self._tables.close()
        self._lock.close()

    def looks(self, source: str) -> dict[str, Look]:
        """Returns the looks of a source's pictures, by key."""
        with self._errors():
            rows = self._tables.execute(
                "SELECT key, stamp, reason, width, height, bits, thumbnail FROM looks WHERE source = ?", (source,)
            )
            return {key: _look(*row) for key, *row in rows}

    def add_looks(self, source: str, looks: Iterable[tuple[str, Look]]) -> None:
        """Stores the looks of pictures by key, in place of earlier ones."""
        with self._errors(), self._tables:
            self._tables.executemany(
                "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ((source, key, look.stamp, look.reason, *_columns(look.appearance)) for key, look in looks),
            )

    def names(self) -> dict[tuple[str, str], str]:
        """Returns a dict from (source, key) to file name, for all pictures that were given one."""
        with self._errors():
            rows = self._tables.execute("SELECT source, key, file_name FROM names")
            return {(source, key): name for source, key, name in rows}

    def add_names(self, source: str, names: Iterable[tuple[str, str]]) -> None:
        """Stores (key, file name) of pictures, before their files are created."""
        with self._errors(), self._tables:
            rows = ((source, key, name) for key, name in names)
            self._tables.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", rows)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise ImpastoError(f"{self._path}: {error}") from None


def _columns(appearance: Appearance | None) -> tuple[int | None, int | None, bytes | None, bytes | None]:
    if appearance is None:
        return None, None, None, None
    # SQLite's integers are signed, so the hash is stored as bytes.
    return appearance.width, appearance.height, appearance.bits.to_bytes(8, "big"), appearance.thumbnail


def _look(
    stamp: str, reason: str, width: int | None, height: int | None, bits: bytes | None, thumbnail: bytes | None
) -> Look:
    if width is None or height is None or bits is None or thumbnail is None:
        return Look(stamp, None, reason)
    return Look(stamp, Appearance(width, height, int.from_bytes(bits, "big"), thumbnail), reason)
