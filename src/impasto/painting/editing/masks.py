"""Masks: white is painted anew. They are read from a file, an alpha channel or a box, and brought to the latents' grid."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from impasto.errors import UsageError
from impasto.painting.editing.record import Box, MaskNote
from impasto.painting.editing.source import SourcePicture

if TYPE_CHECKING:
    import torch

HARD = 128  # from this grey on, a mask that knows only black and white is white
_MOSTLY = 0.6


@dataclass(frozen=True)
class Mask:
    """The part of a picture to paint anew. Two are equal if they come from the same place.

    Attributes:
        image: L, the picture's size; 255 is painted anew, 0 is kept.
        note: where it comes from.
    """

    image: Image.Image = field(compare=False, repr=False)
    note: MaskNote | None
    source: SourcePicture | None = field(default=None, compare=False, repr=False)

    def levels(self, *, soft: bool) -> np.ndarray:
        """Returns the mask as [height, width] in 0 .. 1: greys if `soft`, else 0 and 1, divided at 128."""
        greys = np.asarray(self.image)
        return greys.astype(np.float32) / 255 if soft else (greys >= HARD).astype(np.float32)

    @cached_property
    def lightest(self) -> int:
        """The largest grey, 0 .. 255."""
        return int(np.asarray(self.image).max())

    def box(self, *, soft: bool) -> Box | None:
        """Returns left, top, right and bottom of the part to paint; None if the mask is empty."""
        return self._soft_box if soft else self._hard_box

    @cached_property
    def _soft_box(self) -> Box | None:
        return self._box(soft=True)

    @cached_property
    def _hard_box(self) -> Box | None:
        return self._box(soft=False)

    def _box(self, *, soft: bool) -> Box | None:
        rows, columns = (np.flatnonzero(self.levels(soft=soft).any(axis)) for axis in (1, 0))
        if not len(rows):
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def mask_of_file(source: SourcePicture, picture: SourcePicture, *, alpha: bool, inverted: bool, resize: bool) -> Mask:
    """Returns the mask in a file.

    Args:
        source: the file.
        alpha: takes the file's alpha channel, of which the transparent part is painted anew, instead of its greys.
        inverted: black, or the opaque part, is painted anew.
        resize: brings a mask of another size to the picture's; else it is refused.

    Raises:
        UsageError: the file has another size, or `alpha` is asked for and it has no alpha channel.
    """
    named = f"--mask {source.note.path}"
    if alpha:
        image = _transparency(source, named)
    else:
        # What is transparent in a mask is nothing: it is kept.
        image = source.image.convert("L")
        if source.alpha is not None:
            image = Image.composite(image, Image.new("L", image.size, 0), source.alpha)
    resized = image.size != picture.size
    if resized and not resize:
        asked = f"{image.width}x{image.height} px, and {picture.note.name} {picture.size[0]}x{picture.size[1]}"
        raise UsageError(f"{named}: it has {asked}: give one of that size, or add --resize-mask")
    if resized:
        image = _resized(image, *picture.size)
    note = MaskNote("alpha" if alpha else "file", source.note, None, inverted, resized)
    return Mask(_inverted(image) if inverted else image, note, source)


def mask_of_alpha(picture: SourcePicture, *, inverted: bool) -> Mask:
    """Returns the picture's own alpha channel as a mask: the transparent part is painted anew.

    Raises:
        UsageError: it has none.
    """
    image = _transparency(picture, str(picture.note.path))
    return Mask(_inverted(image) if inverted else image, MaskNote("alpha", None, None, inverted))


def mask_of_box(box: Box, picture: SourcePicture, *, inverted: bool) -> Mask:
    """Returns a rectangle of left, top, width and height as a mask; the part outside the picture is cut off.

    Raises:
        UsageError: it lies outside the picture.
    """
    left, top, width, height = box
    if left >= picture.size[0] or top >= picture.size[1] or not width or not height:
        size = f"{picture.size[0]}x{picture.size[1]}"
        raise UsageError(f"--box {left},{top},{width},{height} holds nothing of {picture.note.name}, which has {size} px")
    image = Image.new("L", picture.size, 0)
    ImageDraw.Draw(image).rectangle((left, top, left + width - 1, top + height - 1), fill=255)
    return Mask(_inverted(image) if inverted else image, MaskNote("box", None, box, inverted))


def parse_box(text: str) -> Box:
    """Parses "10,20,64,48": left, top, width and height in px.

    Raises:
        UsageError: it is not four whole numbers from 0 on.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() and len(part) < 7 for part in parts):
        raise UsageError(f"--box {text!r}: use LEFT,TOP,WIDTH,HEIGHT in px, such as 10,20,64,48")
    left, top, width, height = map(int, parts)
    return left, top, width, height


def say_mask(mask: Mask, *, soft: bool) -> list[str]:
    """Returns what to tell about the polarity of a mask, and whether it seems to be the wrong way round."""
    levels = mask.levels(soft=soft)
    share = float((levels > 0).mean())
    note = mask.note
    what = "white" if note is None or note.kind != "alpha" else "what is transparent"
    if note is not None and note.inverted:
        what = "black" if note.kind != "alpha" else "what is opaque"
    if note is not None and note.kind == "box":
        what = "what is outside the box" if note.inverted else "the box"
    if not share:
        grey = " (its greys are all below 128: --method soft reads greys)" if np.asarray(mask.image).any() else ""
        return [f"the mask is empty{grey}: nothing is painted"]
    said = [f"{what} is painted anew: {100 * share:.3g} % of the picture"]
    edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    if share > _MOSTLY and share < 1 and float((edge > 0).mean()) > 0.9:
        other = "without" if note is not None and note.inverted else "with"
        said.append(f"the mask reaches round the whole edge: if the rest was meant, paint {other} --invert-mask")
    return said


def max_reduced(levels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Returns a mask [h, w] at `width` x `height` cells, each the largest value of the pixels that it covers.

    So a line of 1 px never vanishes on the grid of the latents, as it does by nearest or averaged resizing.
    """
    rows = [levels[a:b].max(axis=0) for a, b in _spans(levels.shape[0], height)]
    found = np.stack(rows)
    return np.stack([found[:, a:b].max(axis=1) for a, b in _spans(levels.shape[1], width)], axis=1)


def _spans(pixels: int, cells: int) -> list[tuple[int, int]]:
    """The pixels that each cell covers, also in part; at least one."""
    return [(cell * pixels // cells, max(cell * pixels // cells + 1, -(-(cell + 1) * pixels // cells)))
            for cell in range(cells)]  # fmt: skip


def dilated(mask: "torch.Tensor", width: int) -> "torch.Tensor":
    """Returns a mask [n, 1, h, w], grown by an odd kernel of ones of this width."""
    from torch.nn import functional as F

    return F.max_pool2d(mask, width, stride=1, padding=width // 2)


def shrinking_masks(mask: "torch.Tensor", dilations: int) -> "list[torch.Tensor]":
    """Returns the masks of a thin one by progressive dilation (Avrahami et al. 2022, section 4.3): the widest first.

    As in the authors' program, dilation i has a kernel of 3 + 2 i latents.
    """
    return [*(dilated(mask, 3 + 2 * i) for i in reversed(range(dilations))), mask]


def seam(levels: np.ndarray, width: int) -> np.ndarray:
    """Returns how much of each pixel is new, [height, width] in 0 .. 1: 0 outside the mask, rising to 1 inside it.

    The ramp lies inside the mask alone, so that no pixel outside is touched. It is `width` px wide, and narrower where the
    mask is thinner than two ramps: the middle of each part reaches 1, also of a line of 1 px. The picture's edge is no edge
    of the mask.

    Args:
        levels: the mask, of which everything above 0 is inside.
        width: 0 .. 64 px.
    """
    inside = Image.fromarray((levels > 0).astype(np.uint8) * 255)
    if width < 1:
        return (levels > 0).astype(np.float32)
    depth = np.zeros(levels.shape, np.float32)  # steps from the edge, at most `width`
    for _ in range(width):
        depth += np.asarray(inside) > 0
        inside = inside.filter(ImageFilter.MinFilter(3))
    deepest = Image.fromarray(depth.astype(np.uint8))
    for _ in range(width):
        deepest = deepest.filter(ImageFilter.MaxFilter(3))
    share = depth / np.maximum(np.asarray(deepest, np.float32), 1)
    return np.where(levels > 0, share * share * (3 - 2 * share), 0).astype(np.float32)


def _transparency(source: SourcePicture, named: str) -> Image.Image:
    if source.alpha is None:
        raise UsageError(f"{named} has no alpha channel: give a mask with --mask FILE or --box")
    return _inverted(source.alpha)


def _inverted(image: Image.Image) -> Image.Image:
    return image.point([255 - level for level in range(256)])


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    """A mask in another size: reduced so that no line vanishes, enlarged without new greys if it has none."""
    greys = np.asarray(image)
    if width <= image.width and height <= image.height:
        return Image.fromarray(max_reduced(greys, width, height))
    only = set(np.unique(greys).tolist()) <= {0, 255}
    return image.resize((width, height), Image.Resampling.NEAREST if only else Image.Resampling.BILINEAR)
