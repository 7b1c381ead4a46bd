"""Deletes uploads that nothing needs any more: no job that may still run, and no picture whose record names them.

An upload that nothing needs is kept for `KEPT_DAYS` days after it was last used, because a page may still show it. When all
uploads take more than `ROOM` bytes, the oldest of those go earlier, `SHORTEST` seconds after their last use.
"""

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.gallery.index import ID_DIGITS, Gallery
from impasto.gallery.scanning import rebuild
from impasto.queue.reading import QueueReader

KEPT_DAYS = 30
SHORTEST = 3600.0
ROOM = 3 << 29  # 1.5 GiB; the studio refuses uploads at 2 GiB
_UPLOAD = re.compile(rf"\b([0-9a-f]{{{ID_DIGITS}}})\.(?:png|jpg|webp)\b")


@dataclass(frozen=True)
class Deleted:
    """How many uploads were deleted, and their bytes."""

    count: int
    size: int


def delete_unused(queue: QueueReader, gallery: Gallery, *, days: float = KEPT_DAYS, room: int = ROOM) -> Deleted:
    """Deletes the uploads of a workspace that nothing needs, and returns what was deleted.

    Raises:
        ImpastoError: the folder cannot be read, or the queue or the gallery's index cannot.
    """
    folder, now = queue.workspace.place("uploads"), time.time()
    try:
        with os.scandir(folder) as inside:
            files = [(one.stat().st_mtime, one.stat().st_size, Path(one.path)) for one in inside if one.is_file()]
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be read: {error.strerror or error}") from None
    taken, old = sum(size for _, size, _ in files), now - days * 86400
    candidates = sorted(one for one in files if one[0] < old or (taken > room and one[0] < now - SHORTEST))
    if not candidates:
        return Deleted(0, 0)
    needed = _of_jobs(queue) | _of_pictures(gallery, [path.stem for *_, path in candidates])
    count, freed = 0, 0
    for used, size, path in candidates:
        if path.stem in needed or (used >= old and taken - freed <= room):
            continue
        with suppress(OSError):  # gone, or used again meanwhile: then it stays
            if path.stat().st_mtime == used:
                path.unlink()
                count, freed = count + 1, freed + size
    return Deleted(count, freed)


def _of_jobs(queue: QueueReader) -> set[str]:
    """The uploads that jobs name which wait, run or can be tried again."""
    rows = queue.database.read("SELECT job FROM jobs WHERE state <> 'done'")
    return {digits for row in rows for digits in _UPLOAD.findall(row["job"])}


def _of_pictures(gallery: Gallery, ids: list[str]) -> set[str]:
    """Those of the uploads `ids` that records of the gallery's pictures name, also of pictures in the bin."""
    if gallery.database.read_one("SELECT 1 FROM pictures WHERE file_time < 0 AND missing = 0 LIMIT 1"):
        rebuild(gallery)  # an index of an older version does not know what records name
    rows = gallery.database.read(
        "SELECT DISTINCT source FROM sources WHERE source IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    )
    return {row["source"] for row in rows}
