"""Files that are never half-written."""

import os
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name, syncs it to disk and renames it, so that `path` is never half-written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
