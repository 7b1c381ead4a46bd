"""Pictures that clients send: bounded, checked, and kept under the hash of their content."""

import io
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically
from impasto.gallery.index import ID_DIGITS
from impasto.workspace import Workspace

MOST_BYTES = 32 << 20  # of one picture
MOST_PIXELS = 64_000_000
MOST_KEPT = 2 << 30  # bytes of all; the worker deletes those that nothing needs (`impasto.queue.unused_uploads`)
_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
_DECODING = threading.BoundedSemaphore(2)  # together: the memory of the server is bounded
_ID = re.compile(r"[0-9a-f]{20}")


class UploadsFull(ImpastoError):
    """The folder of uploads has as much as it takes."""


class Uploads:
    """The uploads of a workspace."""

    def __init__(self, workspace: Workspace, *, most_kept: int = MOST_KEPT) -> None:
        self._folder, self._most_kept = workspace.place("uploads"), most_kept

    def keep(self, data: bytes) -> str:
        """Checks a picture, keeps its bytes as they are, and returns its id: the first 20 digits of its SHA-256.

        The picture is decoded once, within the limit of pixels, so that a broken one is refused now and not by a job.

        Raises:
            UsageError: it is too large, no PNG, JPEG or WebP, or broken.
            UploadsFull: there is no room for it.
        """
        import hashlib

        if len(data) > MOST_BYTES:
            raise UsageError(f"a picture of {len(data) >> 20} MB: send at most {MOST_BYTES >> 20} MB")
        with _DECODING:
            ending = _checked(data)
        digits = hashlib.sha256(data).hexdigest()[:ID_DIGITS]
        path = self._folder / f"{digits}{ending}"
        if path.exists():
            _used(path)
        else:
            with os.scandir(self._folder) as inside:
                kept = sum(one.stat().st_size for one in inside)
            if kept + len(data) > self._most_kept:
                raise UploadsFull(
                    f"the uploads take {kept >> 20} MB, all that there is room for: the worker deletes those that no job "
                    "and no picture needs; empty the bin, or clear jobs that failed"
                )
            write_atomically(path, data)
        return digits

    def file(self, digits: str) -> Path:
        """Returns the file of an upload.

        Raises:
            UsageError: there is none with this id.
        """
        if _ID.fullmatch(digits):
            for ending in _ENDINGS.values():
                path = self._folder / f"{digits}{ending}"
                if path.is_file() and not path.is_symlink():
                    _used(path)
                    return path
        raise UnknownUpload(f"there is no upload {digits[:40]!r}: send the picture again")


class UnknownUpload(UsageError):
    """There is no upload with this id."""


def _used(path: Path) -> None:
    """Notes that an upload was used, from which its time is counted."""
    with suppress(OSError):
        os.utime(path)


def _checked(data: bytes) -> str:
    """Returns the ending of a picture's file."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=tuple(_ENDINGS)) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise UsageError(f"a picture of {width}x{height} px: send at most {MOST_PIXELS // 1_000_000} megapixels")
            if getattr(image, "n_frames", 1) > 1:
                raise UsageError("a moving picture: send a still one")
            image.load()
            return _ENDINGS[image.format or "PNG"]
    except UsageError:
        raise
    except Image.DecompressionBombError:
        raise UsageError(f"a picture of too many px: send at most {MOST_PIXELS // 1_000_000} megapixels") from None
    except Exception as error:  # whatever a decoder finds in hostile bytes
        why = str(error).partition(" <_io.BytesIO")[0][:100]
        raise UsageError(f"this is no PNG, JPEG or WebP picture: {why}") from None
