"""The cache of converted models: found by the hash of what they were made from, written whole, bounded in size.

An entry is a folder `engines/<key>` in the cache folder with the model (`model.blob`) and its description (`entry.json`).
"""

import errno
import json
import os
import shutil
import time
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from impasto.files import replace_folder, write_atomically
from impasto.settings import cache_folder

MODEL, ENTRY, WORK = "model.blob", "entry.json", ".work"
LIMIT = "IMPASTO_ENGINE_CACHE_GB"
_USUAL_GB = 8.0
_SPARE = 256 << 20  # bytes that stay free on the disk
_PIECE = 64 << 20


@dataclass(frozen=True)
class Entry:
    """A converted model in the cache.

    Attributes:
        key: 64 hexadecimal digits, over all that the model was made from.
        name: the checkpoint's name, with its adapters.
        part: "unet", "decoder", ...
        engine: the library and its version.
        precision: fp32 or bf16.
        size: bytes of the model.
        checksum: CRC-32 of the model.
    """

    key: str
    name: str
    part: str
    engine: str
    precision: str
    size: int
    checksum: int


class NotKept(Exception):
    """The model could not be kept in the cache; the message is a phrase that says why."""


def engines_folder() -> Path:
    """Returns the folder of converted models."""
    return cache_folder() / "engines"


def limit_bytes() -> int:
    """Returns how large all entries together may be: `$IMPASTO_ENGINE_CACHE_GB`, else 8 GB; 0 keeps none."""
    try:
        return max(0, int(float(os.environ.get(LIMIT, _USUAL_GB)) * 2**30))
    except (ValueError, OverflowError):
        return int(_USUAL_GB * 2**30)


def find_model(key: str) -> Path | None:
    """Returns the file of the model `key`, or None. An entry that is cut short or damaged is removed."""
    folder = engines_folder() / key
    try:
        entry = _read(folder)
        file = folder / MODEL
        if entry is not None and file.stat().st_size == entry.size and _checksum(file) == entry.checksum:
            with suppress(OSError):
                os.utime(folder / ENTRY)  # used now, for the order in which entries are removed
            return file
        if not folder.is_dir():
            return None
    except OSError:
        if not folder.is_dir():
            return None
    shutil.rmtree(folder, ignore_errors=True)
    return None


def keep_model(key: str, data: bytes, *, name: str, part: str, engine: str, precision: str) -> None:
    """Writes a model into the cache, and removes the least recently used ones where there is no room.

    Raises:
        NotKept: it is larger than the limit, or the disk is full or cannot be written.
    """
    most = limit_bytes()
    if len(data) > most:
        raise NotKept(f"it is larger than {LIMIT} allows ({len(data) / 2**30:.1f} of {most / 2**30:.1f} GB)")
    folder = engines_folder()
    entry = Entry(key, name, part, engine, precision, len(data), zlib.crc32(data))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        _make_room(most - len(data))
        if shutil.disk_usage(folder).free < len(data) + _SPARE:
            raise NotKept(f"the disk of {folder} is full")
        with replace_folder(folder / key) as unfinished:
            (unfinished / MODEL).write_bytes(data)
            (unfinished / ENTRY).write_text(json.dumps(asdict(entry)), "utf-8")
    except OSError as error:
        if error.errno == errno.ENOTEMPTY or (folder / key / ENTRY).exists():
            return  # another process was faster
        raise NotKept(f"{folder}: {error.strerror or error}") from None


def list_models() -> list[Entry]:
    """Returns the entries, the most recently used first."""
    found = []
    for file in engines_folder().glob(f"*/{ENTRY}"):
        with suppress(OSError):
            entry = _read(file.parent)
            if entry is not None:
                found.append((file.stat().st_mtime, entry))
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])]


def clear_models() -> int:
    """Removes all entries, unfinished ones and counts of work; returns the bytes that are free again.

    Raises:
        OSError: the folder cannot be emptied.
    """
    folder = engines_folder()
    if not folder.is_dir():
        return 0
    freed = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder)
    return freed


def work_so_far(key: str) -> float:
    """Returns the counted operations that were done without the model `key`; 0 if none are recorded."""
    try:
        return max(0.0, float((engines_folder() / f"{key}{WORK}").read_text("ascii")[:40]))
    except (OSError, ValueError):
        return 0.0


def add_work(key: str, work: float) -> None:
    """Adds counted operations to those that were done without the model `key`; nothing if that cannot be written."""
    with suppress(OSError):
        folder = engines_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{key}{WORK}", f"{work_so_far(key) + work:.6e}".encode())


def _read(folder: Path) -> Entry | None:
    """Returns the entry in a folder; None if there is none or it cannot be read."""
    try:
        fields = json.loads((folder / ENTRY).read_text("utf-8"))
        entry = Entry(**fields)
    except (OSError, ValueError, TypeError):
        return None
    kinds = (str, str, str, str, str, int, int)
    right = all(isinstance(value, kind) for value, kind in zip(asdict(entry).values(), kinds, strict=True))
    return entry if right and entry.key == folder.name else None


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as data:
        while piece := data.read(_PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum


def _make_room(most: int) -> None:
    """Removes the least recently used entries until the rest has at most `most` bytes."""
    entries = list_models()
    size = sum(entry.size for entry in entries)
    while entries and size > most:
        oldest = entries.pop()
        size -= oldest.size
        shutil.rmtree(engines_folder() / oldest.key, ignore_errors=True)


def _sweep(folder: Path, older_than: float = 3600.0) -> None:
    """Removes what processes that were killed have left, and old counts of work."""
    for path in folder.iterdir():
        with suppress(OSError):
            age = time.time() - path.stat().st_mtime
            if path.name.startswith(".") and age > older_than:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
            elif path.suffix == WORK and age > 30 * 24 * older_than:
                path.unlink()
