"""Outpainting: a picture grows at any of its sides, strip by strip, each of them an inpainting of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from impasto.errors import UsageError
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.masks import Mask
from impasto.painting.editing.record import LARGEST_SIDE, Box
from impasto.painting.editing.source import SourcePicture, with_edges

if TYPE_CHECKING:
    from impasto.painting.painting import Painting
    from impasto.painting.request import PaintRequest
    from impasto.painting.watching import Watching

LARGEST_GROWTH = 4096  # px at one side
_SEEDS = 2**63
_APART = 1_000_003  # between the seeds of two strips: the same noise would repeat the same shapes


@dataclass(frozen=True)
class Strip:
    """One step of growing.

    Attributes:
        grown: px added at the left, top, right and bottom; one of them is not 0.
        size: width and height afterwards.
        region: the part that is painted: the strip, and as much of the picture beside it as the model should see.
    """

    grown: Box
    size: tuple[int, int]
    region: Box


def check_sides(sides: Box) -> None:
    """Raises UsageError unless at least one side grows, and by a number of px in range."""
    for name, px in zip(("left", "up", "right", "down"), sides, strict=True):
        if isinstance(px, bool) or not isinstance(px, int) or not 0 <= px <= LARGEST_GROWTH:
            raise UsageError(f"--{name} {px}: use 0 to {LARGEST_GROWTH} px")
    if not any(sides):
        raise UsageError("there is nothing to add: give --left, --right, --up or --down, in px")


def plan_strips(size: tuple[int, int], sides: Box, native: int) -> list[Strip]:
    """Returns the strips of an outpainting: one side after the other, none wider than half of the checkpoint's pictures.

    Args:
        size: width and height of the picture.
        sides: px to add at the left, top, right and bottom.
        native: px of a side of the pictures that the checkpoint was trained on.

    Raises:
        UsageError: the result would be too large.
    """
    whole = (size[0] + sides[0] + sides[2], size[1] + sides[1] + sides[3])
    if max(whole) > LARGEST_SIDE:
        raise UsageError(f"the picture would have {whole[0]}x{whole[1]} px: at most {LARGEST_SIDE} px a side")
    found: list[Strip] = []
    most = max(8, native // 2)
    for side in (0, 2, 1, 3):  # the sides first: above and below, the strips then have the whole width
        count = -(-sides[side] // most)
        for number in range(count):
            px = (number + 1) * sides[side] // count - number * sides[side] // count
            size = (size[0] + px, size[1]) if side in (0, 2) else (size[0], size[1] + px)
            left, top, right, bottom = (px if one == side else 0 for one in range(4))
            found.append(Strip((left, top, right, bottom), size, _seen(size, side, px, native)))
    return found


def _seen(size: tuple[int, int], side: int, px: int, native: int) -> Box:
    """The part that is painted with a strip: all of a small picture, else a band as deep as the checkpoint's pictures."""
    width, height = size
    if max(size) <= 2 * native and width * height <= 2 * native * native:
        return 0, 0, width, height
    depth = max(native, 2 * px)
    if side in (0, 2):
        depth = min(depth, width)
        return (0, 0, depth, height) if side == 0 else (width - depth, 0, width, height)
    depth = min(depth, height)
    return (0, 0, width, depth) if side == 1 else (0, height - depth, width, height)


def outpainted(
    paint: "Callable[..., Iterator[Painting]]",
    requests: "Sequence[PaintRequest]",
    native: int,
    watching: "Watching",
    first: int,
) -> list[Image.Image]:
    """Returns the grown pictures of requests whose edits have the same sides and size; a strip is painted in all at once.

    Args:
        paint: the painter's `paint_many`.
        native: px of a side of the checkpoint's pictures.
        watching: the callbacks, for progress over all strips, and previews of the strips.
        first: index of the first request, for these.
    """
    edits = [request.edit for request in requests if request.edit is not None]
    images = [edit.source.image for edit in edits]
    strips = plan_strips(images[0].size, edits[0].sides or (0, 0, 0, 0), native)
    for number, strip in enumerate(strips):
        asked = [
            _strip_request(request, edit, image, strip, number)
            for request, edit, image in zip(requests, edits, images, strict=True)
        ]
        images = [one.image for one in paint(asked, **watching.part(number, len(strips), first))]
    return images


def _strip_request(request: "PaintRequest", edit: Edit, image: Image.Image, strip: Strip, number: int) -> "PaintRequest":
    """The request that paints one strip beside a picture."""
    mask = Image.new("L", strip.size, 255)
    left, top, _, _ = strip.grown
    mask.paste(0, (left, top, left + image.width, top + image.height))
    note = replace(edit.source.note, name=f"strip {number} of seed {request.seed}")
    grown = SourcePicture(with_edges(image, *strip.grown), note)
    one = Edit(grown, edit.strength, mask=Mask(mask, None), masked=edit.masked, region=strip.region)
    seed = (request.seed + _APART * number) % _SEEDS
    return replace(request, edit=one, seed=seed, width=strip.size[0], height=strip.size[1])
