"""Opens picture files of unknown origin: fully decoded and upright, or refused with a reason."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError, features

from impasto.data.shards.member import ShardMember
from impasto.errors import ImpastoError

MAX_PIXELS = 100_000_000
MIN_SIDE = 32
# Only these decoders are tried, whatever the file name: Pillow would pass others to programs (EPS to Ghostscript).
# AVIF and JPEG 2000 need libraries that Pillow may have been built without. TGA's files have no mark, so that any file might
# pass for one: it is tried for its own ending only.
FORMATS = (
    "BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "PSD", "QOI", "TIFF", "WEBP",
    *(["AVIF"] if features.check("avif") else []), *(["JPEG2000"] if features.check("jpg_2000") else []),
)  # fmt: skip


def formats_of(path: Path) -> tuple[str, ...]:
    """Returns the decoders that are tried for a file of this name."""
    return (*FORMATS, "TGA") if path.suffix.lower() == ".tga" else FORMATS


_ORIENTATION = 0x0112  # EXIF tag; from 5 on width and height are swapped
_ON_THE_SIDE = frozenset({5, 6, 7, 8})

# Pillow warns about large pictures and odd metadata, which this module checks itself. The filter is set once, for Pillow
# alone: `warnings.catch_warnings` in several threads at once can leave every warning of the process disabled.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class OpenedPicture:
    """A picture in RGB, upright; `width` and `height` are its full size in px, `image` may be smaller."""

    image: Image.Image
    width: int
    height: int


def open_picture(
    path: Path, *, data: bytes | None = None, max_pixels: int = MAX_PIXELS, min_side: int = MIN_SIDE
) -> Image.Image:
    """Returns the picture in RGB, fully decoded and rotated according to its EXIF data; transparent areas become white.

    16 bits per channel are reduced to 8; an animation is represented by its first picture. Thread-safe.

    Args:
        data: the file's bytes, if already loaded; `path` is then only its name.

    Raises:
        ImpastoError: not a picture, truncated, more than `max_pixels` pixels (checked in the header, before
            decoding), a side under `min_side` px, or 32-bit grey values, whose white level is unknown.
    """
    return open_at_least(path, data=data, max_pixels=max_pixels, min_side=min_side).image


def open_at_least(
    path: Path,
    side: int | None = None,
    *,
    data: bytes | None = None,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
) -> OpenedPicture:
    """Like `open_picture`, but a large JPEG may be decoded at a smaller size, with no side under `side` px.

    The JPEG decoder then decodes to 1/2, 1/4 or 1/8 of the size in a fraction of the time; it still reads the whole file.
    """
    return _open(path if isinstance(path, Path) else Path(path), side, data, max_pixels, min_side, _on_white)


def open_layered(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Returns the picture as L, LA, RGB or RGBA, depending on its contents, with 8 bits per channel, decoded and upright.

    Its colour profile is kept in `info` if its colours are not converted.

    Raises:
        ImpastoError: as `open_picture`, but no side is too small.
    """
    return _open(path if isinstance(path, Path) else Path(path), None, None, max_pixels, 1, _layered).image


def _open(
    path: Path,
    side: int | None,
    data: bytes | None,
    max_pixels: int,
    min_side: int,
    finish: Callable[[Image.Image, Path], Image.Image],
) -> OpenedPicture:
    try:
        if isinstance(path, ShardMember) and data is None:
            data = path.read_bytes()
        elif data is None and path.exists() and not path.is_file():
            raise ImpastoError(f"{path}: not a file")
        with Image.open(path if data is None else io.BytesIO(data), formats=formats_of(path)) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                limit = f"{max_pixels / 1e6:g} megapixels"
                raise ImpastoError(f"{path}: {width}x{height} px is more than {limit}")
            if min(width, height) < min_side:
                raise ImpastoError(f"{path}: {width}x{height} px is smaller than {min_side} px")
            turned = opened.getexif().get(_ORIENTATION) in _ON_THE_SIDE
            if side is not None:
                opened.draft(None, (side, side))
            opened.load()
            image = finish(ImageOps.exif_transpose(opened), path)
            return OpenedPicture(image, *((height, width) if turned else (width, height)))
    except ImpastoError:
        raise
    except FileNotFoundError:
        raise ImpastoError(f"{path}: there is no such file") from None
    except UnidentifiedImageError:
        raise ImpastoError(f"{path}: not a picture that can be read") from None
    except Image.DecompressionBombError:
        raise ImpastoError(f"{path}: more than {max_pixels / 1e6:g} megapixels") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        if isinstance(error, OSError) and error.strerror:
            raise ImpastoError(f"{path}: cannot be read ({error.strerror})") from None
        reason = str(error).splitlines()[0] if str(error) else "broken"
        raise ImpastoError(f"{path}: cannot be decoded ({reason})") from None


def upright_size(path: Path) -> tuple[int, int]:
    """Returns width and height in px after the rotation in the picture's EXIF data, without decoding the picture.

    Raises:
        ImpastoError: the file is not a picture.
    """
    if isinstance(path, ShardMember) and path.place.width:
        return path.place.width, path.place.height
    try:
        with Image.open(path.open("rb") if isinstance(path, ShardMember) else path, formats=formats_of(path)) as opened:
            width, height = opened.size
            return (height, width) if opened.getexif().get(_ORIENTATION) in _ON_THE_SIDE else (width, height)
    except Exception as error:  # decoders raise nearly anything on broken files
        raise ImpastoError(f"{path}: cannot be read ({error})") from None


def _on_white(image: Image.Image, path: Path) -> Image.Image:
    image = _in_8_bits(image, path)
    if _is_transparent(image):
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _layered(image: Image.Image, path: Path) -> Image.Image:
    image = _in_8_bits(image, path)
    if image.mode in ("1", "L", "LA"):
        mode = "LA" if _is_transparent(image) else "L"
    else:
        mode = "RGBA" if _is_transparent(image) else "RGB"
    made = image.convert(mode)
    profile = image.info.get("icc_profile") if image.mode in ("L", "LA", "P", "PA", "RGB", "RGBA") else None
    made.info = {"icc_profile": profile} if profile else {}
    return made


def _in_8_bits(image: Image.Image, path: Path) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling, which turns nearly everything white.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
        image.info.pop("transparency", None)  # a 16-bit value
    if image.mode in ("I", "F"):
        raise ImpastoError(f"{path}: 32 bits a pixel, whose white is unknown: save it with 8 or 16")
    return image


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def fit_square(image: Image.Image, size: int) -> Image.Image:
    """Returns the picture's centre as a square of `size` px: the short side becomes `size`, the long one is cropped."""
    return fit(image, size, size)


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """Scales the picture to fill `width` x `height` px, and crops the rest around its centre.

    Uses Lanczos resampling, whose support grows with the reduction, so that fine brushwork does not alias.
    """
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
