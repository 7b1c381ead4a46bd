"""Writes picture files into a catalogue: hard-linked, copied byte for byte, or downscaled.

A file is never left half-written, and never replaces another one.
"""

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from impasto.data.catalogue.endings import PICTURE_SUFFIXES, format_suffix
from impasto.data.catalogue.pictures import FORMATS, open_picture
from impasto.data.importing.safe_names import safe_name
from impasto.files import sync_folder

How = Literal["link", "copy"]
_QUALITY = 95


@dataclass(frozen=True, slots=True)
class PictureBytes:
    """A picture as a file, or as bytes (`data`) with the file name `name`."""

    name: str
    file: Path | None
    data: bytes | None = None


class FreeNames:
    """Allocates file names that no picture of the catalogue has, ignoring case."""

    def __init__(self, catalogue: Path, taken: set[str]) -> None:
        self._catalogue = catalogue
        self._taken = {name.casefold() for name in taken}

    def take(self, wanted: str) -> str:
        """Reserves and returns `wanted` as a safe name, with -2, -3 ... appended if it is taken."""
        name = safe_name(wanted)
        stem, dot, suffix = name.rpartition(".")
        if not dot or "/" in suffix:
            stem, suffix = name, ""
        number = 1
        while name.casefold() in self._taken or os.path.lexists(self._catalogue / name):
            number += 1
            name = f"{stem}-{number}{dot}{suffix}"
        self._taken.add(name.casefold())
        return name


def with_suffix(name: str, file: Path | None, data: bytes | None) -> str:
    """Appends the suffix of the picture's format, if the name has no picture suffix."""
    if (file is None and data is None) or Path(name).suffix.lower() in PICTURE_SUFFIXES:
        return name
    with Image.open(file if data is None and file is not None else io.BytesIO(data or b""), formats=FORMATS) as opened:
        return name + format_suffix(opened.format)


def smaller_name(name: str) -> str:
    """Returns the name of a downscaled picture: TIFF, BMP, GIF and the like become PNG, all names of JPEG `.jpg`."""
    suffix = Path(name).suffix
    if suffix.lower() in (".jfif", ".jpe", ".jif", ".mpo"):
        return f"{name.removesuffix(suffix)}.jpg"
    return name if suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else f"{name.removesuffix(suffix)}.png"


def made_smaller(picture: PictureBytes, max_side: int) -> tuple[bytes, int, int]:
    """Downscales a picture to `max_side` px on its longer side; returns (encoded bytes, width, height), sizes in px.

    The suffix of the picture's name selects the format.

    Raises:
        ImpastoError: the picture cannot be opened.
    """
    image = open_picture(picture.file or Path(picture.name), data=picture.data)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    match Path(smaller_name(picture.name)).suffix.lower():
        case ".png":
            image.save(encoded, "PNG")
        case ".webp":
            image.save(encoded, "WEBP", quality=_QUALITY)
        case _:
            image.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
    return encoded.getvalue(), image.width, image.height


def put_picture(picture: PictureBytes, target: Path, staging: Path, how: How) -> None:
    """Writes the picture's bytes to `target`. `staging` is a path on the same file system for the incomplete file.

    Raises:
        OSError: the picture cannot be written; `target` is then not created.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staging.unlink(missing_ok=True)
    try:
        if picture.data is None and picture.file is not None:
            _link_or_copy(picture.file.resolve(), staging, how)
        else:
            with staging.open("wb") as file:
                file.write(picture.data or b"")
                file.flush()
                os.fsync(file.fileno())
        staging.replace(target)
    finally:
        # Renaming one hard link of a file to another does nothing, and a full disk may leave half a copy here.
        staging.unlink(missing_ok=True)


def _link_or_copy(file: Path, staging: Path, how: How) -> None:
    if how == "link":
        try:
            os.link(file, staging)
            return
        except OSError:
            pass  # another file system, or one without hard links
    shutil.copyfile(file, staging)
    sync_folder(staging)  # works for files too
