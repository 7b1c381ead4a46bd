"""Where an export goes: written under a temporary name, renamed when it is whole, and nothing of others replaced."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.files import sync_folder

# Hidden, so that no reader of the export takes it for data; only a folder that holds it is replaced.
MARK = ".impasto-export"


def check_target(out: Path, catalogue: Path, *, force: bool) -> None:
    """Refuses a target that is there, without `force`, or that is not an export's, or that touches the catalogue.

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
    """A folder to write into, which becomes `out` at the end; after an error nothing of it is left.

    Raises:
        ImpastoError: a file cannot be written.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of an export that was killed
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
    """A folder cannot be renamed over another that holds files: the old one steps aside first."""
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
    """Writes a file inside a folder that is renamed later, and waits until it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
