"""Remembers which picture had which content first, also of more pictures than fit into memory."""

import sqlite3
from typing import Protocol


class FirstNames(Protocol):
    """What `Contents` and `ManyContents` do."""

    def first(self, content: str, name: str) -> str:
        """Returns the name that had this content first, which is `name` itself if none did before."""
        ...


class Contents(dict[str, str]):
    """The contents of one folder's pictures, in memory."""

    def first(self, content: str, name: str) -> str:
        """See `FirstNames`."""
        return self.setdefault(content, name)


class ManyContents:
    """The contents of any number of pictures, in a nameless temporary file that ends with the process."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute("PRAGMA journal_mode=OFF")
        self._table.execute("CREATE TABLE contents (content BLOB PRIMARY KEY, name TEXT) WITHOUT ROWID")
        self._table.execute("BEGIN")

    def first(self, content: str, name: str) -> str:
        """See `FirstNames`."""
        key = bytes.fromhex(content)
        if self._table.execute("INSERT OR IGNORE INTO contents VALUES (?, ?)", (key, name)).rowcount:
            return name
        return self._table.execute("SELECT name FROM contents WHERE content = ?", (key,)).fetchone()[0]
