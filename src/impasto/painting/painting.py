"""The `Painting` class: a picture with its provenance, saved atomically into one PNG file."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from impasto.errors import ImpastoError, UsageError
from impasto.painting.editing.kept_files import KeptFile, add_inside, save_beside
from impasto.painting.provenance.record import Provenance, png_info


@dataclass(frozen=True)
class Painting:
    """An RGB picture painted by Impasto, with all data needed to paint it again.

    Attributes:
        kept: the files that it started from, which are saved with it, as its record's edit says.
    """

    image: Image.Image
    provenance: Provenance
    kept: tuple[KeptFile, ...] = ()

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a PNG with the provenance inside; the write is atomic, so `path` never holds a partial file.

        Raises:
            UsageError: the name does not end in .png, or the file exists already and `overwrite` is False.
            ImpastoError: the folder is missing or cannot be written, or the disk is full; no file is left
                behind.
        """
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise UsageError(f"{path}: paintings are saved as PNG, so the name must end in .png")
        if not overwrite and path.exists():
            raise UsageError(f"{path} is there already: choose another name, or allow overwriting")
        temporary: Path | None = None
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
            temporary = Path(name)
            with os.fdopen(handle, "wb") as file:
                info = png_info(self.provenance)
                add_inside(info, self.kept)
                self.image.save(file, format="PNG", pnginfo=info)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp creates private files; a painting gets the mode that open() would have given it.
            temporary.chmod(0o666 & ~_umask())
            save_beside(path.parent, self.kept)
            _place(temporary, path, overwrite)
        except FileExistsError:
            raise UsageError(f"{path} is there already: choose another name, or allow overwriting") from None
        except OSError as error:
            raise ImpastoError(f"cannot write {path}: {error.strerror or error}") from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
        return path


def _place(temporary: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name. A hard link, unlike a rename, fails if the name was taken in the meantime."""
    if overwrite:
        temporary.replace(path)
    else:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError(str(path)) from None
            temporary.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
