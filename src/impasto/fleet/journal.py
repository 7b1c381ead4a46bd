"""Where the results of units are kept until it is their turn: an append-only file that survives a kill of the driver.

`Results` is what the driver needs, so that an object store can take the file's place: put if absent, get by key.
"""

import fcntl
import os
import shutil
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from impasto.errors import ImpastoError, UsageError
from impasto.files import sync_folder

_HEAD = struct.Struct("<II32s")  # length of the result, CRC-32 of key and result, key
NAME = "journal.bin"


class Results(Protocol):
    """Results by the keys of their units. A result that is there is never changed."""

    def __contains__(self, key: str) -> bool: ...

    def put(self, results: Sequence[tuple[str, bytes]]) -> None:
        """Keeps (key, result) of finished units; when it returns they survive a kill. A key that is there stays as it is.

        Raises:
            ImpastoError: they cannot be written.
        """
        ...

    def get(self, key: str) -> bytes:
        """Returns the result of a key that is there."""
        ...

    def close(self, *, done: bool) -> None:
        """Ends it; with `done`, all results were taken and nothing needs to stay."""
        ...


class Memory:
    """Results that need not survive: they are kept until they are taken, once."""

    def __init__(self) -> None:
        self._results: dict[str, bytes] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._results

    def put(self, results: Sequence[tuple[str, bytes]]) -> None:
        """See `Results.put`."""
        self._results.update(results)

    def get(self, key: str) -> bytes:
        """Returns the result and forgets it."""
        return self._results.pop(key)

    def close(self, *, done: bool) -> None:
        """See `Results.close`."""
        del done
        self._results.clear()


class Journal:
    """Results in one append-only file of a folder, each with its key and a checksum. Only keys and places are in memory.

    What a kill left incomplete at the end is cut off. One process at a time has the journal.
    """

    def __init__(self, folder: Path) -> None:
        """Opens or creates the journal in `folder`, which is its own.

        Raises:
            UsageError: another process has it. ImpastoError: it cannot be read or written.
        """
        self.folder = folder
        self._places: dict[bytes, tuple[int, int]] = {}  # key -> where the result begins, its length
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / NAME).open("a+b")
            sync_folder(folder)
        except OSError as error:
            raise ImpastoError(f"{folder / NAME} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise UsageError(f"another process works on this already ({folder / NAME}): wait for it, or stop it") from None
        self._end = self._read()
        self._file.truncate(self._end)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._places

    def put(self, results: Sequence[tuple[str, bytes]]) -> None:
        """See `Results.put`."""
        parts, end = [], self._end
        places: dict[bytes, tuple[int, int]] = {}
        for key, result in results:
            name = bytes.fromhex(key)
            if name in self._places or name in places:
                continue
            parts += [_HEAD.pack(len(result), zlib.crc32(result, zlib.crc32(name)), name), result]
            places[name] = (end + _HEAD.size, len(result))
            end += _HEAD.size + len(result)
        if not parts:
            return
        try:
            self._file.write(b"".join(parts))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            os.truncate(self.folder / NAME, self._end)
            raise ImpastoError(f"{self.folder / NAME} cannot be written: {error.strerror}") from None
        self._end = end
        self._places |= places

    def get(self, key: str) -> bytes:
        """See `Results.get`."""
        start, length = self._places[bytes.fromhex(key)]
        return os.pread(self._file.fileno(), length, start)

    def close(self, *, done: bool) -> None:
        """See `Results.close`: the folder is removed with `done`, or if it is empty."""
        if done or not self._places:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._file.close()

    def _read(self) -> int:
        """Reads the keys and returns where the last whole result ends."""
        size, place = os.fstat(self._file.fileno()).st_size, 0
        while place + _HEAD.size <= size:
            length, checksum, key = _HEAD.unpack(os.pread(self._file.fileno(), _HEAD.size, place))
            start = place + _HEAD.size
            if start + length > size:
                break
            if zlib.crc32(os.pread(self._file.fileno(), length, start), zlib.crc32(key)) != checksum:
                break
            self._places[key] = (start, length)
            place = start + length
        return place


def open_results(place: Path | None) -> Results:
    """Returns the results that are kept in `place`, a folder; None keeps them in memory.

    Raises:
        UsageError, ImpastoError: as `Journal`.
    """
    return Memory() if place is None else Journal(place)
