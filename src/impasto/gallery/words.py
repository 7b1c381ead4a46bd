"""Finds pictures by what they show: a scorer's embeddings of all pictures, in a memory-mapped matrix on the disk.

The search is exact: one product of the matrix with the embedding of the words.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from impasto.errors import ImpastoError, UsageError
from impasto.gallery.index import Gallery
from impasto.gallery.records import Entry

if TYPE_CHECKING:
    from PIL import Image

    from impasto.vision.scorers.interface import TextImageScorer

TOGETHER = 32  # pictures that are embedded and written together
MOST_FOUND = 1000
_AHEAD = 4  # times as many rows are read as are asked for: some may be in the bin


@dataclass(frozen=True)
class FoundPicture:
    """A picture and its similarity to the words, -1 to 1."""

    entry: Entry
    similarity: float


class WordSearch:
    """The embeddings of a gallery's pictures by one scorer: a file of float32 rows, and the index's table of the rows."""

    def __init__(self, gallery: Gallery, scorer: "TextImageScorer") -> None:
        self.gallery, self.scorer = gallery, scorer
        self._key = f"{scorer.identity[:16]}-{scorer.width}"
        self._file = gallery.workspace.place("vectors") / f"{self._key}.f32"
        self._lock = threading.Lock()
        self._rows: np.ndarray = np.empty(0, np.int64)  # the rows that are in use
        self._ids: list[str] = []
        self._version = -1

    def missing(self) -> int:
        """Returns how many pictures have no embedding yet."""
        row = self.gallery.database.read_one(f"SELECT count(*) AS n FROM pictures {_WITHOUT}", (self._key,))
        return row["n"] if row else 0

    def embed(
        self, most: int | None = None, on_progress: Callable[[int, int], None] | None = None
    ) -> tuple[int, list[str]]:
        """Embeds pictures that are new, newest first, and returns how many, and why others could not be.

        A kill loses at most 32. `on_progress` is called with (done, of), and may raise to stop.

        Raises:
            ImpastoError: the matrix cannot be written.
        """
        rows = self.gallery.database.read(
            f"SELECT id FROM pictures {_WITHOUT} ORDER BY made_at DESC LIMIT ?", (self._key, -1 if most is None else most)
        )
        from impasto.vision.scorers.interface import expect_pictures

        ids, done, skipped = [row["id"] for row in rows], 0, []
        expect_pictures(self.scorer, len(ids))
        for start in range(0, len(ids), TOGETHER):
            part = list(self._opened(ids[start : start + TOGETHER], skipped))
            if part:
                self.add([one for one, _ in part], self.scorer.embed_images([image for _, image in part]))
            done += len(part)
            if on_progress is not None:
                on_progress(min(start + TOGETHER, len(ids)), len(ids))
        return done, skipped

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Appends embeddings, unit vectors float32 [n, width], of the pictures `ids`.

        Raises:
            ImpastoError: the matrix cannot be written.
        """
        data = np.ascontiguousarray(vectors, np.float32)
        row_bytes = 4 * self.scorer.width
        with self.gallery.database.write() as link:  # one writer at a time, also among processes
            last = link.execute("SELECT coalesce(max(row), -1) FROM vectors WHERE scorer = ?", (self._key,)).fetchone()[0]
            try:
                with self._file.open("r+b" if self._file.exists() else "w+b") as file:
                    file.seek((last + 1) * row_bytes)  # over what a kill left behind the last recorded row
                    file.write(data.tobytes())
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise ImpastoError(f"{self._file} cannot be written: {error.strerror or error}") from None
            link.executemany(
                "INSERT OR REPLACE INTO vectors (scorer, id, row) VALUES (?, ?, ?)",
                [(self._key, one, last + 1 + n) for n, one in enumerate(ids)],
            )

    def find(self, words: str, most: int = 60) -> list[FoundPicture]:
        """Returns the pictures that are most similar to the words, most similar first; none in the bin.

        Raises:
            UsageError: there are no words, or `most` is not 1 to 1000.
        """
        if not words.strip():
            raise UsageError("there is nothing to search for")
        return self.nearest(self.scorer.embed_texts([words])[0], most)

    def like(self, digits: str, most: int = 60) -> list[FoundPicture]:
        """Returns the pictures that are most similar to one of the gallery, itself left out.

        Raises:
            UsageError: it has no embedding, or `most` is not 1 to 1000.
        """
        row = self.gallery.database.read_one("SELECT row FROM vectors WHERE scorer = ? AND id = ?", (self._key, digits))
        if row is None:
            raise UsageError(f"picture {digits[:40]!r} has not been looked at yet")
        return [one for one in self.nearest(self._matrix()[row["row"]], most + 1) if one.entry.id != digits][:most]

    def nearest(self, vector: np.ndarray, most: int) -> list[FoundPicture]:
        """Returns the pictures whose embeddings are nearest to a unit vector [width]."""
        if not 1 <= most <= MOST_FOUND:
            raise UsageError(f"{most} pictures: use 1 to {MOST_FOUND}")
        with self._lock:
            self._refresh()
            matrix, rows, ids = self._matrix(), self._rows, self._ids
        if not ids:
            return []
        scores = np.nan_to_num(matrix[: rows.max() + 1] @ vector, nan=-2.0)[rows]
        wanted = min(len(ids), most * _AHEAD)
        best = np.argpartition(-scores, wanted - 1)[:wanted]
        best = best[np.argsort(-scores[best], kind="stable")]
        similar = {ids[place]: float(scores[place]) for place in best}
        found = [one for one in self.gallery.entries(list(similar)) if not one.binned]
        return [FoundPicture(one, similar[one.id]) for one in found[:most]]

    def _matrix(self) -> np.ndarray:
        size = self._file.stat().st_size // (4 * self.scorer.width) if self._file.exists() else 0
        if size == 0:
            return np.empty((0, self.scorer.width), np.float32)
        return np.memmap(self._file, np.float32, "r", shape=(size, self.scorer.width))

    def _refresh(self) -> None:
        """Reads the table of rows again if it has grown."""
        row = self.gallery.database.read_one(
            "SELECT coalesce(max(row), -1) AS last FROM vectors WHERE scorer = ?", (self._key,)
        )
        version = row["last"] if row else -1
        if version != self._version:
            rows = self.gallery.database.read("SELECT id, row FROM vectors WHERE scorer = ?", (self._key,))
            self._ids = [one["id"] for one in rows]
            self._rows = np.array([one["row"] for one in rows], np.int64)
            self._version = version

    def _opened(self, ids: Sequence[str], skipped: list[str]) -> "Iterator[tuple[str, Image.Image]]":
        from impasto.data.catalogue.pictures import open_picture

        for digits in ids:
            try:
                path: Path = self.gallery.file(digits)
                yield digits, open_picture(path, min_side=1)
            except ImpastoError as error:
                skipped.append(str(error))


_WITHOUT = (
    "WHERE binned = 0 AND missing = 0 AND NOT EXISTS "
    "(SELECT 1 FROM vectors WHERE vectors.id = pictures.id AND vectors.scorer = ?)"
)
