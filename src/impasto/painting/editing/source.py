"""Pictures that an edit starts from: any size and mode, upright, in 8-bit RGB, with the SHA-256 of their file."""

import hashlib
import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from impasto.data.catalogue.pictures import formats_of, open_picture
from impasto.errors import ImpastoError, UsageError
from impasto.painting.editing.record import LARGEST_SIDE, Fit, SourceNote, readable, readable_path

MIN_SIDE = 8
# Formats of which a file may hold several pictures. (PSD counts its layers, and MPO previews of one photograph.)
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
_MOST_KEPT = 64 << 20  # bytes of a file that is kept in memory, to be stored with the painting


@dataclass(frozen=True)
class SourcePicture:
    """A picture to start from. Two are equal if their files are.

    Attributes:
        image: RGB, 8 bits, upright, on white where it is transparent.
        note: its file.
        alpha: its alpha channel (L, same size), if it has one.
        data: the bytes of the file; b"" if it is made in memory, or too large to be kept.
    """

    image: Image.Image = field(compare=False, repr=False)
    note: SourceNote
    alpha: Image.Image | None = field(default=None, compare=False, repr=False)
    data: bytes = field(default=b"", compare=False, repr=False)

    @property
    def is_transparent(self) -> bool:
        """Whether a part of it is, or was before it was laid on white."""
        return self.alpha is not None and bool((np.asarray(self.alpha) < 255).any())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.image.size


def open_source(path: str | Path, option: str = "") -> SourcePicture:
    """Opens a picture to start from. It is rotated as its EXIF data says; 16 bits are reduced to 8.

    A file is read once, as long as it does not change.

    Args:
        option: goes before the path in messages ("--from ").

    Raises:
        UsageError: it is an animation, wholly transparent, smaller than 8 px a side or larger than 16,384.
        ImpastoError: there is no such file, or it is not a picture, truncated, or more than 100 megapixels.
    """
    path = Path(path).expanduser()
    try:
        state = path.stat()
    except OSError:
        raise UsageError(f"{option}{path}: there is no such file") from None
    if path.is_dir():
        raise UsageError(f"{option}{path} is a folder: name one picture")
    return _opened(path, option, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _opened(path: Path, option: str, changed: int, size: int) -> SourcePicture:
    del changed, size  # part of the key
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImpastoError(f"{option}{path} cannot be read: {error.strerror or error}") from None
    return source_of(data, path, option)


def source_of(data: bytes, path: Path, option: str = "") -> SourcePicture:
    """Returns the picture in a file's bytes; `path` is its name.

    Raises:
        UsageError, ImpastoError: as `open_source`.
    """
    _refuse_animation(data, path, option)
    image = open_picture(path, data=data, min_side=1)
    if min(image.size) < MIN_SIDE:
        raise UsageError(f"{option}{path}: {image.width}x{image.height} px is too small: use {MIN_SIDE} px a side or more")
    if max(image.size) > LARGEST_SIDE:
        raise UsageError(f"{option}{path}: {image.width}x{image.height} px: use at most {LARGEST_SIDE} px a side")
    alpha = _alpha(data, path)
    if alpha is not None and not np.asarray(alpha).any():
        raise UsageError(f"{option}{path} is wholly transparent: there is no picture in it")
    note = SourceNote(
        readable(path.name), readable_path(str(path)), hashlib.sha256(data).hexdigest(), image.width, image.height
    )
    return SourcePicture(image, note, alpha, data if len(data) <= _MOST_KEPT else b"")


def source_in_memory(image: Image.Image, name: str = "in memory") -> SourcePicture:
    """Returns a picture of the caller as a source; its hash is that of its pixels as a PNG.

    Raises:
        UsageError: as `open_source`.
    """
    buffer = io.BytesIO()
    plain = ImageOps.exif_transpose(image)
    plain.info = {}
    try:
        plain.save(buffer, format="PNG", compress_level=1)
    except (OSError, ValueError):
        plain.convert("RGB").save(buffer, format="PNG", compress_level=1)
    return source_of(buffer.getvalue(), Path(f"{name}.png"))


def _refuse_animation(data: bytes, path: Path, option: str) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=formats_of(path)) as opened:
            frames = getattr(opened, "n_frames", 1) if opened.format in _ANIMATED else 1
    except Exception:  # decoders raise nearly anything on broken files; open_picture names the reason
        return
    if frames > 1:
        raise UsageError(f"{option}{path} holds {frames} pictures: save the one that is meant as a PNG")


def _alpha(data: bytes, path: Path) -> Image.Image | None:
    with Image.open(io.BytesIO(data), formats=formats_of(path)) as opened:
        if opened.mode not in ("RGBA", "LA", "PA") and "transparency" not in opened.info:
            return None
        return ImageOps.exif_transpose(opened).convert("RGBA").getchannel("A")


def fitted(image: Image.Image, width: int, height: int, fit: Fit) -> Image.Image:
    """Returns the picture in `width` x `height` px: cropped to the middle, padded with its edge, or stretched."""
    if image.size == (width, height):
        return image
    if fit == "stretch":
        return image.resize((width, height), Image.Resampling.LANCZOS)
    if fit == "crop":
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    inside = ImageOps.contain(image, (width, height), Image.Resampling.LANCZOS)
    left, top = (width - inside.width) // 2, (height - inside.height) // 2
    return with_edges(inside, left, top, width - inside.width - left, height - inside.height - top)


def with_edges(image: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """Returns the picture, RGB or L, with its edge repeated outwards by so many px."""
    if not any((left, top, right, bottom)):
        return image
    pixels = np.asarray(image)
    around = ((top, bottom), (left, right), *[(0, 0)] * (pixels.ndim - 2))
    return Image.fromarray(np.pad(pixels, around, mode="edge"))
