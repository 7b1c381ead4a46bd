"""Writes an export's target safely.

The export is written under a temporary name and renamed when it is complete. Only earlier exports are replaced.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.files import sync_folder

# A hidden file, so that no reader of the export takes it for data. Only a folder with this file is replaced.
MARK = ".impasto-export"


def check_target(out: Path, catalogue: Path, *, force: bool) -> None:
    """Checks that `out` may be written.

    It must not exist unless `force` is set, must not be a folder that no export made, and must not overlap the catalogue.

    Raises:
        UsageError: the target may not be written.
    """
    inside, place = out.resolve(), catalogue.resolve()
    if inside.is_relative_to(place) or place.is_relative_to(inside):
        raise UsageError(f"--out {out}: choose a place outside the catalogue {catalogue}")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    if out.is_symlink() or out.exists():
        if not force:
            raise UsageError(f"--out {out} is there already: use --force to replace it")
        if out.is_dir() and not (out / MARK).is_file() and any(out.iterdir()):
            raise UsageError(f"--out {out} is a folder that no export made: it is not replaced")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yields a temporary folder to write into, which is renamed to `out` at the end. After an error it is removed.

    Raises:
        ImpastoError: a file cannot be written.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # left by an export that was killed
        part.mkdir()
        (part / MARK).touch()
        try:
            yield part
            _replace(part, out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise ImpastoError(f"{error.filename or out} cannot be written: {error.strerror}") from None


def _replace(part: Path, out: Path) -> None:
    """Renames `part` to `out`. A folder cannot replace one that contains files, so the old one is renamed first."""
    for folder in {path.parent for path in part.rglob("*")}:
        sync_folder(folder)
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.is_symlink():
        out.unlink()
    elif out.exists():
        out.rename(old)
    part.rename(out)
    sync_folder(out.parent)
    shutil.rmtree(old, ignore_errors=True)


def write_synced(path: Path, data: bytes) -> None:
    """Writes a file inside a folder that is renamed later, and returns when the data is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
