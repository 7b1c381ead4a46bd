"""Fills the gallery's index from the files. It adds and marks, and never deletes a picture or what is known of it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.gallery.index import ID_DIGITS, Gallery, put
from impasto.gallery.records import FileRecord, read_file_record
from impasto.weights.file_hash import hash_file

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_TOGETHER = 500  # written in one transaction


@dataclass(frozen=True)
class Scan:
    """What a scan found: pictures that are new or changed, those that were known, those whose files are gone, and files
    that are no pictures, with the reason.
    """

    added: int
    known: int
    missing: int
    skipped: tuple[str, ...]


def rebuild(gallery: Gallery, on_progress: Callable[[int, int], None] | None = None) -> Scan:
    """Brings the index up to date with the files of `pictures` and `bin`, and with the log of stars.

    A file that the index knows by name, size and time is not read again. A picture whose file is gone is marked, and comes
    back when the file does. `on_progress` is called with (done, of).

    Raises:
        ImpastoError: a folder cannot be read, or the index cannot be written.
    """
    known = {
        (row["name"], row["binned"]): (row["id"], row["bytes"], row["file_time"])
        for row in gallery.database.read("SELECT id, name, binned, bytes, file_time FROM pictures")
    }
    files = [(path, status, 0) for path, status in _files(gallery.workspace.pictures)]
    files += [(path, status, 1) for path, status in _files(gallery.workspace.place("bin"))]
    seen: list[str] = []
    new: list[tuple[FileRecord, os.stat_result]] = []
    skipped: list[str] = []
    added = 0

    def write() -> None:
        nonlocal added
        with gallery.database.write(durable=False) as link:
            for record, status in new:
                put(link, record, size=status.st_size, file_time=status.st_mtime)
        added += len(new)
        new.clear()

    for number, (path, status, binned) in enumerate(files):
        if on_progress is not None and number % 100 == 0:
            on_progress(number, len(files))
        before = known.get((path.name, binned))
        if before is not None and before[1:] == (status.st_size, status.st_mtime):
            seen.append(before[0])
            continue
        try:
            record = read_file_record(path, hash_file(path)[:ID_DIGITS])
        except (ImpastoError, OSError) as error:
            skipped.append(str(error))
            continue
        new.append((replace(record, entry=replace(record.entry, binned=bool(binned))), status))
        seen.append(record.entry.id)
        if len(new) >= _TOGETHER:
            write()
    write()
    missing = _mark(gallery, seen)
    if on_progress is not None:
        on_progress(len(files), len(files))
    return Scan(added, len(seen) - added, missing, tuple(skipped))


def _mark(gallery: Gallery, seen: list[str]) -> int:
    """Marks the pictures that were not seen, and stars those of the log; returns how many are missing."""
    with gallery.database.write() as link:
        link.execute("CREATE TEMP TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, starred INTEGER DEFAULT 0)")
        link.execute("DELETE FROM seen")
        link.executemany("INSERT OR IGNORE INTO seen (id) VALUES (?)", ((one,) for one in seen))
        link.executemany("UPDATE seen SET starred = 1 WHERE id = ?", ((one,) for one in gallery.stars()))
        link.execute("UPDATE pictures SET missing = id NOT IN (SELECT id FROM seen)")
        link.execute(
            "UPDATE pictures SET starred = (SELECT starred FROM seen WHERE seen.id = pictures.id) WHERE missing = 0"
        )
        return link.execute("SELECT count(*) FROM pictures WHERE missing = 1").fetchone()[0]


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(folder) as inside:
            found = [
                (Path(one.path), one.stat())
                for one in inside
                if one.is_file(follow_symlinks=False) and one.name[0] != "." and one.name.lower().endswith(ENDINGS)
            ]
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be read: {error.strerror or error}") from None
    yield from sorted(found, key=lambda one: (one[1].st_mtime, one[0].name))
