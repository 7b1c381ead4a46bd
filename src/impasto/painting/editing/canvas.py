"""The geometry of an edit: which part of a picture the model paints, in which size, and the way back to its pixels."""

import math
from dataclasses import dataclass

from PIL import Image

from impasto.errors import UsageError
from impasto.painting.editing.record import Box
from impasto.painting.editing.source import with_edges
from impasto.painting.painted_size import painted_size

SMALLEST, LARGEST = 64, 2048  # px of a side that the model paints


@dataclass(frozen=True)
class Canvas:
    """The part of a picture that the model paints.

    Attributes:
        region: left, top, right and bottom of the part in the picture, in px.
        scaled: width and height to which the part is scaled; its own size if it is not scaled.
        size: width and height that the model paints, multiples of what a latent covers. Beyond `scaled`, the edge is
            repeated, and the result is cut off again: so nothing is resampled for a few px.
    """

    region: Box
    scaled: tuple[int, int]
    size: tuple[int, int]

    def placed(self, image: Image.Image, resample: Image.Resampling = Image.Resampling.LANCZOS) -> Image.Image:
        """Returns the region of the whole picture (RGB or L) in the size that the model paints."""
        part = image if self.region == (0, 0, *image.size) else image.crop(self.region)
        if part.size != self.scaled:
            part = part.resize(self.scaled, resample)
        return with_edges(part, 0, 0, self.size[0] - self.scaled[0], self.size[1] - self.scaled[1])

    def returned(self, painted: Image.Image) -> Image.Image:
        """Returns what the model painted in the size of the region."""
        left, top, right, bottom = self.region
        part = painted if painted.size == self.scaled else painted.crop((0, 0, *self.scaled))
        wanted = (right - left, bottom - top)
        return part if part.size == wanted else part.resize(wanted, Image.Resampling.LANCZOS)


def canvas_of(region: Box, native: int, factor: int, *, enlarged: bool = False) -> Canvas:
    """Returns the canvas for a region.

    Args:
        region: left, top, right, bottom.
        native: px of a side of the pictures that the checkpoint was trained on.
        factor: px that a latent covers.
        enlarged: a region smaller than the checkpoint's pictures is painted as large as these, and reduced.

    Raises:
        UsageError: the region is too large to be painted at once.
    """
    width, height = region[2] - region[0], region[3] - region[1]
    if max(width, height) > LARGEST:
        raise UsageError(
            f"{width}x{height} px cannot be painted at once: at most {LARGEST} px a side; "
            "paint a part of it with --only-masked, or reduce the picture"
        )
    scaled = width, height
    if factor > 8 and width * height < native * native:  # too few latents for a composition, as in `painted_size`
        scaled = painted_size(width, height, native, factor)
    elif enlarged and width * height < native * native:
        scaled = _scaled(width, height, native / math.sqrt(width * height))
    elif min(width, height) < SMALLEST:
        scaled = _scaled(width, height, SMALLEST / min(width, height))
    size = (-(-scaled[0] // factor) * factor, -(-scaled[1] // factor) * factor)
    if max(size) > LARGEST:
        raise UsageError(f"{width}x{height} px is too narrow a strip to be painted: use at most {LARGEST // SMALLEST}:1")
    return Canvas(region, scaled, size)


def _scaled(width: int, height: int, by: float) -> tuple[int, int]:
    return max(SMALLEST, round(width * by)), max(SMALLEST, round(height * by))


def region_around(box: Box, padding: int, width: int, height: int) -> Box:
    """Returns a box with `padding` px around it, and at least 64 px a side, inside a picture of this size."""
    left, right = _grown(box[0] - padding, box[2] + padding, width)
    top, bottom = _grown(box[1] - padding, box[3] + padding, height)
    return left, top, right, bottom


def _grown(low: int, high: int, side: int) -> tuple[int, int]:
    low, high = max(0, low), min(side, high)
    width = max(high - low, min(SMALLEST, side))
    start = min(max(0, low - (width - (high - low)) // 2), side - width)  # moved inwards at the edges
    return start, start + width
