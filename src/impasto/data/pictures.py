"""Opening one picture of unknown origin: fully decoded and upright, or refused with a reason."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from impasto.errors import ImpastoError

MAX_PIXELS = 100_000_000
MIN_SIDE = 32
# Only these decoders are tried, whatever the file is called: Pillow would hand others to programs (EPS to Ghostscript).
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# Pillow warns of large pictures and odd metadata, which are judged here. The filter is set once, for Pillow alone:
# `warnings.catch_warnings` in several threads at a time can leave every warning of the process switched off.
warnings.filterwarnings("ignore", module=r"PIL\.")


def open_picture(path: Path, *, max_pixels: int = MAX_PIXELS, min_side: int = MIN_SIDE) -> Image.Image:
    """The picture in RGB, fully decoded, turned as its EXIF says; what is transparent becomes white.

    16 bits a channel become 8; of an animation the first picture is taken. May be called from several threads.

    Raises:
        ImpastoError: not a picture, truncated, more than `max_pixels` pixels (told from the header, before
            decoding), a side under `min_side` px, or values whose white is unknown (32-bit grey).
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ImpastoError(f"{path}: not a file")
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                limit = f"{max_pixels / 1e6:g} megapixels"
                raise ImpastoError(f"{path}: {width}x{height} px is more than {limit}")
            if min(width, height) < min_side:
                raise ImpastoError(f"{path}: {width}x{height} px is smaller than {min_side} px")
            opened.load()
            return _on_white(ImageOps.exif_transpose(opened), path)
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


def _on_white(image: Image.Image, path: Path) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling, which leaves nearly everything white.
        return image.point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.mode in ("I", "F"):
        raise ImpastoError(f"{path}: 32 bits a pixel, whose white is unknown: save it with 8 or 16")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def fit_square(image: Image.Image, size: int) -> Image.Image:
    """The picture's centre as a square of `size` px: the short side becomes `size`, the long one is cropped.

    Lanczos resampling, whose support grows with the reduction, so that fine brushwork does not alias.
    """
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
