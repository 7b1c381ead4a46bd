"""Arrays of one row per item on disk, where each row knows the content it was made from.

A row is made again only when its key changes: an edited picture, another encoder or another text gives another key, so a
cache can neither serve stale rows nor lose the finished ones when the job that fills it is killed.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

KEY_BYTES = 32


def content_key(*parts: bytes | str) -> bytes:
    """The SHA-256 digest of the parts, each with its length before it."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()


class RowCache:
    """A memory-mapped array [rows, *shape] whose rows are filled in chunks and found by key.

    The folder holds `rows.bin` (the array), `keys.bin` (one digest per row) and `shape.json`. A row's key is written after
    the row itself is on disk, so a row whose key is there is whole. Several processes may fill one cache.
    """

    def __init__(self, folder: Path, shape: Sequence[int], dtype: str) -> None:
        self.folder = Path(folder)
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.folder.mkdir(parents=True, exist_ok=True)
        layout = {"shape": list(self.shape), "dtype": self.dtype.str}
        described = self.folder / "shape.json"
        if not described.exists() or json.loads(described.read_text("utf-8")) != layout:
            for name in ("rows.bin", "keys.bin"):
                (self.folder / name).unlink(missing_ok=True)
            described.write_text(json.dumps(layout), "utf-8")
        self._row_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        self._rows_path = self.folder / "rows.bin"
        self._keys_path = self.folder / "keys.bin"
        self._count = 0
        self._places: dict[bytes, int] = {}
        self._learn()

    def _learn(self) -> None:
        """Takes in the rows that were on disk before this cache was opened, or that other processes added since."""
        if not self._keys_path.exists() or not self._rows_path.exists():
            return
        keys_bytes, rows_bytes = self._keys_path.stat().st_size, self._rows_path.stat().st_size
        whole = min(keys_bytes // KEY_BYTES, rows_bytes // self._row_bytes)
        if whole != self._count:
            data = self._keys_path.read_bytes()
            self._places = {data[n * KEY_BYTES : (n + 1) * KEY_BYTES]: n for n in range(whole)}
            self._count = whole

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def fill(
        self,
        keys: Sequence[bytes],
        make: Callable[[list[int]], np.ndarray],
        *,
        chunk: int,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Makes the rows that are missing. `make` gets positions in `keys` and returns their rows [n, *shape]."""
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

    def _append(self, keys: list[bytes], rows: np.ndarray) -> None:
        with (self.folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._learn()
            # A killed job may have left a part of a row or keys: both files are cut back to what is whole first.
            for path, size, data in (
                (self._rows_path, self._row_bytes, rows.tobytes()),
                (self._keys_path, KEY_BYTES, b"".join(keys)),
            ):
                with path.open("r+b" if path.exists() else "wb") as file:
                    file.truncate(self._count * size)
                    file.seek(self._count * size)
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            for offset, key in enumerate(keys):
                self._places[key] = self._count + offset
            self._count += len(keys)

    def places(self, keys: Sequence[bytes]) -> np.ndarray:
        """The row numbers [n] of keys that are all in the cache."""
        return np.array([self._places[key] for key in keys], dtype=np.int64)

    def array(self) -> np.ndarray:
        """All rows, memory-mapped and read-only: [rows, *shape]."""
        if not self._count:
            return np.zeros((0, *self.shape), self.dtype)
        return np.memmap(self._rows_path, self.dtype, "r", shape=(self._count, *self.shape))
