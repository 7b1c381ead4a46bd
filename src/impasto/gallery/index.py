"""The index of the gallery: pages of pictures, stars, and the bin."""

import json
import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any

from impasto.database import Database
from impasto.errors import ImpastoError, UsageError
from impasto.gallery.records import COLUMNS, Entry, FileRecord, Filter, Page, entry_of, read_file_record
from impasto.gallery.schema import MIGRATIONS
from impasto.weights.file_hash import hash_file
from impasto.workspace import Workspace

ID_DIGITS = 20
MOST_ON_PAGE = 1000
STARS = "gallery-stars.jsonl"
_ID = re.compile(r"[0-9a-f]{20}")
_WORD = re.compile(r"\w+")


class UnknownPicture(UsageError):
    """There is no picture with this id in the gallery."""


class Gallery:
    """The gallery of a workspace. Safe to use from several threads and processes.

    All methods raise DatabaseBusy, DiskFull or ImpastoError if the index cannot be read or written.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.database = Database(workspace.gallery_file, MIGRATIONS, name="the gallery's index")

    @classmethod
    def open(cls, workspace: Workspace) -> "Gallery":
        """Opens the index, and creates an empty one if there is none: `scanning.rebuild` fills it."""
        return cls(workspace)

    def close(self) -> None:
        """Closes the index."""
        self.database.close()

    def add_files(self, paths: Iterable[Path]) -> list[Entry]:
        """Adds pictures that lie in the workspace's `pictures`; others, and those that cannot be read, are passed over."""
        found: list[tuple[FileRecord, os.stat_result]] = []
        for path in paths:
            if path.parent == self.workspace.pictures:
                try:
                    found.append((read_file_record(path, hash_file(path)[:ID_DIGITS]), path.stat()))
                except (ImpastoError, OSError):
                    continue
        with self.database.write(durable=False) as link:
            for record, status in found:
                put(link, record, size=status.st_size, file_time=status.st_mtime)
        return [record.entry for record, _ in found]

    def page(self, wanted: Filter | None = None, *, after: str | None = None, most: int = 60) -> Page:
        """Returns a part of the pictures, newest first. A picture that is added meanwhile shifts nothing.

        Args:
            wanted: which pictures; None for all that are not in the bin.
            after: `Page.next` of the part before; None for the first.
            most: 1 to 1000.

        Raises:
            UsageError: a value is out of its range.
        """
        if not 1 <= most <= MOST_ON_PAGE:
            raise UsageError(f"{most} pictures: use 1 to {MOST_ON_PAGE}")
        where, values = _conditions(wanted or Filter())
        total = None
        if after is None:
            row = self.database.read_one(f"SELECT count(*) AS n FROM pictures WHERE {where}", values)
            total = row["n"] if row else 0
        else:
            made_at, number = _place(after)
            where += " AND (made_at, number) < (?, ?)"
            values += [made_at, number]
        rows = self.database.read(
            f"SELECT number, {COLUMNS} FROM pictures WHERE {where} ORDER BY made_at DESC, number DESC LIMIT ?",
            [*values, most + 1],
        )
        shown = rows[:most]
        following = f"{shown[-1]['made_at']!r}_{shown[-1]['number']}" if len(rows) > most else None
        return Page(tuple(map(entry_of, shown)), following, total)

    def entry(self, digits: str) -> Entry:
        """Returns a picture.

        Raises:
            UnknownPicture: there is none with this id.
        """
        return entry_of(self._row(digits))

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """Returns the pictures with these ids, in their order; unknown ones are left out."""
        rows = self.database.read(
            f"SELECT {COLUMNS} FROM pictures WHERE missing = 0 AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        known = {row["id"]: entry_of(row) for row in rows}
        return [known[one] for one in ids if one in known]

    def file(self, digits: str) -> Path:
        """Returns the file of a picture; it lies in the workspace's `pictures` or `bin`, and is no link.

        Raises:
            UnknownPicture: there is none with this id, or its file is gone.
        """
        row = self._row(digits)
        path = self._folder(bool(row["binned"])) / row["name"]
        if Path(row["name"]).name != row["name"] or path.is_symlink() or not path.is_file():
            raise _unknown(digits)
        return path

    def names(self, of: str) -> list[tuple[str, int]]:
        """Returns the names of "artist" or "checkpoint" in the gallery, each with its number of pictures, most first."""
        if of not in ("artist", "checkpoint"):
            raise UsageError(f"names of {of!r}: use artist or checkpoint")
        rows = self.database.read(
            f"SELECT {of} AS name, count(*) AS n FROM pictures WHERE binned = 0 AND missing = 0 AND {of} <> '' "
            f"GROUP BY {of} ORDER BY n DESC, name"
        )
        return [(row["name"], row["n"]) for row in rows]

    def star(self, digits: str, starred: bool = True) -> Entry:
        """Stars a picture, or takes its star away.

        Raises:
            UnknownPicture: there is none with this id.
        """
        with self.database.write() as link:
            row = self._row(digits, link)
            if bool(row["starred"]) != starred:
                self._log_star(digits, starred)
                link.execute("UPDATE pictures SET starred = ? WHERE id = ?", (int(starred), digits))
        return self.entry(digits)

    def bin(self, digits: str) -> Entry:
        """Moves a picture to the bin; `restore` brings it back. A picture that is there stays there.

        Raises:
            UnknownPicture: there is none with this id. ImpastoError: its file cannot be moved.
        """
        return self._move(digits, True)

    def restore(self, digits: str) -> Entry:
        """Brings a picture back from the bin.

        Raises:
            UnknownPicture: there is none with this id. ImpastoError: its file cannot be moved.
        """
        return self._move(digits, False)

    def empty_bin(self, older_than: float = 0.0) -> int:
        """Deletes the files in the bin that were put there more than `older_than` seconds ago, and returns how many."""
        gone = 0
        for row in self.database.read("SELECT id, name FROM pictures WHERE binned = 1"):
            path = self._folder(True) / row["name"]
            try:
                if path.is_file() and time.time() - path.stat().st_ctime < older_than:
                    continue
                path.unlink(missing_ok=True)
            except OSError as error:
                raise ImpastoError(f"{path} cannot be deleted: {error.strerror or error}") from None
            with self.database.write() as link:
                for table, column in (("words", "rowid"), ("sources", "number")):
                    number = "(SELECT number FROM pictures WHERE id = ?)"
                    link.execute(f"DELETE FROM {table} WHERE {column} = {number}", (row["id"],))
                link.execute("DELETE FROM pictures WHERE id = ?", (row["id"],))
            gone += 1
        return gone

    def stars(self) -> set[str]:
        """Returns the ids of the starred pictures, from the log of stars, which outlives the index."""
        found: set[str] = set()
        try:
            lines = (self.workspace.folder / STARS).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return found
        except (OSError, ValueError) as error:
            raise ImpastoError(f"{self.workspace.folder / STARS} cannot be read: {error}") from None
        for line in lines:
            try:
                one = json.loads(line)
                (found.add if one["starred"] else found.discard)(str(one["id"]))
            except (ValueError, KeyError, TypeError):
                continue  # the end of a line that a power cut broke
        return found

    def _log_star(self, digits: str, starred: bool) -> None:
        line = json.dumps({"id": digits, "starred": starred, "at": round(time.time(), 3)}) + "\n"
        try:
            with (self.workspace.folder / STARS).open("a", encoding="utf-8") as log:
                log.write(line)
                log.flush()
                os.fsync(log.fileno())
        except OSError as error:
            raise ImpastoError(f"{self.workspace.folder / STARS} cannot be written: {error.strerror or error}") from None

    def _move(self, digits: str, binned: bool) -> Entry:
        with self.database.write() as link:
            row = self._row(digits, link)
            if bool(row["binned"]) != binned:
                here, there = self._folder(not binned) / row["name"], self._folder(binned) / row["name"]
                try:
                    if here.exists() or not there.exists():
                        here.replace(there)
                except OSError as error:
                    raise ImpastoError(f"{here} cannot be moved: {error.strerror or error}") from None
                link.execute("UPDATE pictures SET binned = ?, missing = 0 WHERE id = ?", (int(binned), digits))
        return self.entry(digits)

    def _folder(self, binned: bool) -> Path:
        return self.workspace.place("bin") if binned else self.workspace.pictures

    def _row(self, digits: str, link: Connection | None = None) -> Row:
        sql = f"SELECT number, {COLUMNS} FROM pictures WHERE id = ? AND missing = 0"
        row = None
        if _ID.fullmatch(digits):
            row = self.database.read_one(sql, (digits,)) if link is None else link.execute(sql, (digits,)).fetchone()
        if row is None:
            raise _unknown(digits)
        return row


def put(link: Connection, record: FileRecord, *, size: int = 0, file_time: float = 0.0) -> None:
    """Writes a picture into the index, within a transaction; one with the same id is replaced, and keeps its star."""
    entry = record.entry
    row = link.execute(
        "INSERT INTO pictures (id, name, made_at, width, height, prompt, negative, artist, checkpoint, sampler, seed, "
        "steps, tool, starred, binned, bytes, file_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, binned = excluded.binned, missing = 0, "
        "bytes = excluded.bytes, file_time = excluded.file_time RETURNING number",
        (entry.id, entry.name, entry.made_at, entry.width, entry.height, entry.prompt, entry.negative, entry.artist,
         entry.checkpoint, entry.sampler, entry.seed, entry.steps, entry.tool, int(entry.starred), int(entry.binned), size,
         file_time),
    ).fetchone()  # fmt: skip
    link.execute("INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)", (row["number"], record.words))
    link.execute("DELETE FROM sources WHERE number = ?", (row["number"],))
    link.executemany("INSERT INTO sources (source, number) VALUES (?, ?)", [(one, row["number"]) for one in record.sources])


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    where = ["binned = ? AND missing = 0"]
    values: list[Any] = [int(wanted.binned)]
    for column in ("artist", "checkpoint"):
        if getattr(wanted, column):
            where.append(f"{column} = ?")
            values.append(getattr(wanted, column))
    if wanted.seed is not None:
        where.append("seed = ?")
        values.append(wanted.seed)
    if wanted.starred:
        where.append("starred = 1")
    for sign, moment in ((">=", wanted.since), ("<", wanted.until)):
        if moment is not None:
            where.append(f"made_at {sign} ?")
            values.append(moment)
    words = _WORD.findall(wanted.text)
    if words:
        where.append("number IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" ".join(f'"{word}"' for word in words) + "*")
    elif wanted.text.strip():
        where.append("0")  # nothing is found by signs alone
    return " AND ".join(where), values


def _place(after: str) -> tuple[float, int]:
    try:
        made_at, _, number = after.partition("_")
        place = float(made_at), int(number)
    except ValueError:
        raise UsageError(f"{after[:40]!r} is no place in the gallery: use `next` of the page before") from None
    if not (place[0] - place[0] == 0 and abs(place[1]) < 2**63):
        raise UsageError(f"{after[:40]!r} is no place in the gallery: use `next` of the page before")
    return place


def _unknown(digits: str) -> UnknownPicture:
    return UnknownPicture(f"there is no picture {digits[:40]!r} in the gallery")
