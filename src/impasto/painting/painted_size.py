"""Chooses the size in which a picture is painted before it is reduced to the requested size."""

import math

from PIL import Image, ImageOps

_FINE = 8  # px per latent; up to this, small pictures are painted in their own size


def painted_size(width: int, height: int, native: int, factor: int) -> tuple[int, int]:
    """Returns the width and height to paint in, in px: the requested size, or for small pictures about the area that the
    checkpoint was trained on.

    If one latent covers more than 8 px (`factor`), a picture smaller than `native` px would have too few latents for a
    composition: 8x8 for 128 px. So it is painted in the size the checkpoint was trained on, and reduced.
    A larger one whose sides are not multiples of `factor` is painted a little larger, and reduced too.
    """
    if factor > _FINE and width * height < native * native:
        stretch = native / math.sqrt(width * height)
        return _multiple(width * stretch, factor), _multiple(height * stretch, factor)
    return -(-width // factor) * factor, -(-height // factor) * factor


def reduced(image: Image.Image, width: int, height: int) -> Image.Image:
    """Returns the picture in `width` x `height` px, cropped to its centre if the aspect ratio differs."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def _multiple(side: float, factor: int) -> int:
    return factor * max(1, round(side / factor))
