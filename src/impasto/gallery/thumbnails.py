"""Small copies of pictures, made when they are asked for and kept."""

import hashlib
import os
import threading
from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically

SIDES = (128, 256, 512)  # pixels of the longer side
MOST_PIXELS = 100_000_000  # of the picture itself
_AT_ONCE = threading.BoundedSemaphore(2)  # decoded together: the memory of a server is bounded


def thumbnail(picture: Path, digits: str, side: int, folder: Path) -> Path:
    """Returns the WebP file of a picture's small copy, of at most `side` pixels a side; it is made if there is none.

    Args:
        picture: the picture.
        digits: its id, which names the copy.
        side: 128, 256 or 512.
        folder: where copies are kept.

    Raises:
        UsageError: there are no copies of this side.
        ImpastoError: the picture cannot be read or is too large, or the copy cannot be written.
    """
    if side not in SIDES:
        raise UsageError(f"a thumbnail of {side} px: use {', '.join(map(str, SIDES))}")
    file = folder / f"{hashlib.sha256(digits.encode()).hexdigest()[:2]}" / f"{digits}-{side}.webp"
    if file.is_file():
        return file
    with _AT_ONCE:
        if not file.is_file():
            _make(picture, side, file)
    return file


def _make(picture: Path, side: int, file: Path) -> None:
    import io

    from impasto.data.catalogue.pictures import open_picture

    image = open_picture(picture, max_pixels=MOST_PIXELS, min_side=1)
    image.thumbnail((side, side))
    data = io.BytesIO()
    image.save(data, format="WEBP", quality=82)
    try:
        os.makedirs(file.parent, exist_ok=True)  # noqa: PTH103
        write_atomically(file, data.getvalue())
    except OSError as error:
        raise ImpastoError(f"{file} cannot be written: {error.strerror or error}") from None
