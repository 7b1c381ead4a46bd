"""Opening one picture of unknown origin: fully decoded and upright, or refused with a reason."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from impasto.errors import ImpastoError

MAX_PIXELS = 100_000_000
MIN_SIDE = 32


def open_picture(path: Path, *, max_pixels: int = MAX_PIXELS, min_side: int = MIN_SIDE) -> Image.Image:
    """The picture in RGB, fully decoded, turned as its EXIF says; what is transparent becomes white.

    Raises:
        ImpastoError: not a picture, truncated, more than `max_pixels` pixels (told from the header, before decoding), or a
            side under `min_side` px.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the size is judged here
            with Image.open(path) as opened:
                width, height = opened.size
                if width * height > max_pixels:
                    raise ImpastoError(f"{path}: {width}x{height} px is more than {max_pixels / 1e6:g} megapixels")
                if min(width, height) < min_side:
                    raise ImpastoError(f"{path}: {width}x{height} px is smaller than {min_side} px")
                opened.load()
                upright = ImageOps.exif_transpose(opened)
                if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                    layered = upright.convert("RGBA")
                    ground = Image.new("RGBA", layered.size, "white")
                    return Image.alpha_composite(ground, layered).convert("RGB")
                return upright.convert("RGB")
    except ImpastoError:
        raise
    except FileNotFoundError:
        raise ImpastoError(f"{path}: there is no such file") from None
    except UnidentifiedImageError:
        raise ImpastoError(f"{path}: not a picture that can be read") from None
    except Image.DecompressionBombError:
        raise ImpastoError(f"{path}: more than {max_pixels / 1e6:g} megapixels") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        raise ImpastoError(
            f"{path}: cannot be decoded ({str(error).splitlines()[0] if str(error) else 'broken'})"
        ) from None


def fit_square(image: Image.Image, size: int) -> Image.Image:
    """The picture's centre as a square of `size` px: the short side is scaled to `size`, the long one cropped."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
