"""In which size a picture is painted before it has the size that was asked for."""

import math

from PIL import Image, ImageOps

_FINE = 8  # px of a latent, up to which small pictures are painted as they are


def painted_size(width: int, height: int, native: int, factor: int) -> tuple[int, int]:
    """The width and height to paint in, in px: as asked for, or for small pictures about the checkpoint's own area.

    Where one latent is of more than 8 px (`factor`), a picture smaller than `native` px would have too few latents for a
    composition: 8x8 for 128 px. So it is painted as large as the checkpoint was trained to, and reduced.
    A larger one whose sides are no multiples of `factor` is painted a little larger, and reduced too.
    """
    if factor > _FINE and width * height < native * native:
        stretch = native / math.sqrt(width * height)
        return _multiple(width * stretch, factor), _multiple(height * stretch, factor)
    return -(-width // factor) * factor, -(-height // factor) * factor


def reduced(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in `width` x `height` px, its middle where the shape is not quite the same."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def _multiple(side: float, factor: int) -> int:
    return factor * max(1, round(side / factor))
