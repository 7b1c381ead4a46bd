"""A cache of array rows on disk, one row per item, each with a key of the content it was made from and a checksum.

A row is made again only when its key changes. An edited picture, another encoder or another text gives another key, so the
cache never returns stale rows, and a job that is killed loses no finished rows. A damaged row (a bad disk, a torn file) is
detected by its checksum when it is read, and made again.
"""

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from impasto.errors import ImpastoError
from impasto.files import write_atomically

KEY_BYTES = 32
SUM_BYTES = 4

Make = Callable[[list[int]], np.ndarray]  # positions in the keys -> their rows [n, *shape]


def content_key(*parts: bytes | str) -> bytes:
    """Returns the SHA-256 digest of the parts, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()


def _sum(row: np.ndarray) -> int:
    return zlib.crc32(row.data)


class RowCache:
    """A memory-mapped array [rows, *shape] whose rows are filled in chunks and found by key.

    The folder contains `rows.bin` (the array), `sums.bin` (a CRC-32 per row), `keys.bin` (one digest per row) and
    `shape.json`. A row's key is written after its data is on disk, so every row with a key is complete. Several processes
    may fill one cache: each appends its rows under a lock and also reads those of the others. Existing rows are never
    changed: a row that replaces a damaged one is appended at the end.
    """

    def __init__(self, folder: Path, shape: Sequence[int], dtype: str) -> None:
        self.folder = Path(folder)
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self._row_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        self._rows_path, self._sums_path, self._keys_path = (
            self.folder / name for name in ("rows.bin", "sums.bin", "keys.bin")
        )
        self._count = 0
        self._places: dict[bytes, int] = {}
        self._sums = np.zeros(0, np.uint32)
        self._damaged: set[int] = set()
        self._mapped: np.ndarray | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._begin()
            self._learn()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _begin(self) -> None:
        """Deletes the rows if they have another layout."""
        layout = {"shape": list(self.shape), "dtype": self.dtype.str}
        described = self.folder / "shape.json"
        try:
            if json.loads(described.read_text("utf-8")) == layout:
                return
        except (FileNotFoundError, ValueError):
            pass
        for path in (self._rows_path, self._sums_path, self._keys_path):
            path.unlink(missing_ok=True)
        write_atomically(described, json.dumps(layout).encode())

    def _learn(self) -> None:
        """Reads the keys of rows that were on disk before this cache was opened, or that other processes added since."""
        if not self._keys_path.exists() or not self._rows_path.exists():
            return
        keys_bytes, rows_bytes = self._keys_path.stat().st_size, self._rows_path.stat().st_size
        whole = min(keys_bytes // KEY_BYTES, rows_bytes // self._row_bytes)
        if whole == self._count:
            return
        data = self._keys_path.read_bytes()
        self._places = {
            data[n * KEY_BYTES : (n + 1) * KEY_BYTES]: n for n in range(whole) if n not in self._damaged
        }
        self._count, self._mapped = whole, None
        sums = np.fromfile(self._sums_path, np.uint32, whole) if self._sums_path.exists() else np.zeros(0, np.uint32)
        if len(sums) < whole:  # rows from before there were checksums
            rows = self.array()
            sums = np.array([*sums, *(_sum(rows[n]) for n in range(len(sums), whole))], np.uint32)
            write_atomically(self._sums_path, sums.tobytes())
        self._sums = sums

    def __contains__(self, key: bytes) -> bool:
        """Returns whether there is a row for the key. The row's checksum is compared only when the row is read."""
        return key in self._places

    def fill(
        self,
        keys: Sequence[bytes],
        make: Make,
        *,
        chunk: int,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Makes the missing rows, `chunk` at a time. `on_progress` is called with (rows made, total)."""
        missing: list[int] = []
        seen: set[bytes] = set()
        for position, key in enumerate(keys):
            if key not in self._places and key not in seen:
                seen.add(key)
                missing.append(position)
        for start in range(0, len(missing), chunk):
            positions = missing[start : start + chunk]
            rows = np.ascontiguousarray(make(positions), dtype=self.dtype)
            if rows.shape != (len(positions), *self.shape):
                raise ValueError(f"rows of shape {rows.shape} for a cache of {self.shape}")
            self._append([keys[p] for p in positions], rows)
            if on_progress is not None:
                on_progress(start + len(positions), len(missing))

    def rows(self, keys: Sequence[bytes], make: Make | None = None, *, chunk: int = 64) -> np.ndarray:
        """Returns the rows [n, *shape] of the keys. With `make`, missing or damaged rows are made first.

        Raises:
            ImpastoError: rows are damaged and there is no `make`, or rows are damaged again right after they are written.
        """
        for _ in range(3):
            if make is not None:
                self.fill(keys, make, chunk=chunk)
            places = self.places(keys)
            rows = self.array()[places]
            if not self._forget(place for place, row in zip(places, rows, strict=True) if self._is_damaged(place, row)):
                return rows
            if make is None:
                raise ImpastoError(f"{self.folder} was damaged: give the same command again, and what is lost is made anew")
        raise ImpastoError(f"{self.folder} does not keep what is written to it: remove it, and look after the disk")

    def check(self, keys: Iterable[bytes]) -> None:
        """Reads the rows of the keys; damaged ones are treated as missing from now on."""
        array = self.array()
        places = [self._places[key] for key in keys if key in self._places]
        self._forget(place for place in places if self._is_damaged(place, array[place]))

    def _is_damaged(self, place: int, row: np.ndarray) -> bool:
        return _sum(row) != self._sums[place]

    def _forget(self, places: Iterable[int]) -> bool:
        """Treats these rows as missing; returns whether there is any."""
        found = {int(place) for place in places}
        self._damaged |= found
        self._places = {key: place for key, place in self._places.items() if place not in found} if found else self._places
        return bool(found)

    def _append(self, keys: list[bytes], rows: np.ndarray) -> None:
        with self._locked():
            self._learn()
            new = [n for n, key in enumerate(keys) if key not in self._places]  # the others came from another process
            rows, sums = rows[new], np.array([_sum(rows[n]) for n in new], np.uint32)
            # A killed job may have left a part of a row or key: the files are first cut back to complete rows.
            for path, size, data in (
                (self._rows_path, self._row_bytes, rows.tobytes()),
                (self._sums_path, SUM_BYTES, sums.tobytes()),
                (self._keys_path, KEY_BYTES, b"".join(keys[n] for n in new)),
            ):
                with path.open("r+b" if path.exists() else "wb") as file:
                    file.truncate(self._count * size)
                    file.seek(self._count * size)
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            for offset, n in enumerate(new):
                self._places[keys[n]] = self._count + offset
            self._sums = np.concatenate([self._sums[: self._count], sums])
            self._count, self._mapped = self._count + len(new), None

    def places(self, keys: Sequence[bytes]) -> np.ndarray:
        """Returns the row numbers [n] of the keys, which must all be in the cache."""
        return np.array([self._places[key] for key in keys], dtype=np.int64)

    def array(self) -> np.ndarray:
        """Returns all rows in the order on disk, memory-mapped and read-only: [rows, *shape]."""
        if not self._count:
            return np.zeros((0, *self.shape), self.dtype)
        if self._mapped is None:
            self._mapped = np.memmap(self._rows_path, self.dtype, "r", shape=(self._count, *self.shape))
        return self._mapped
