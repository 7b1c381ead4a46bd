"""The `Edit`: the picture that a painting starts from, the mask, and all choices of how both are used."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.errors import UsageError
from impasto.painting.editing.canvas import Canvas, canvas_of, region_around
from impasto.painting.editing.masks import Mask
from impasto.painting.editing.record import (
    BACKGROUNDS,
    FILLS,
    FITS,
    KEPT,
    LARGEST_BLUR,
    LARGEST_IMAGE_GUIDANCE,
    LARGEST_PADDING,
    LARGEST_SIDE,
    METHODS,
    MOST_BACKGROUND_STEPS,
    MOST_DILATIONS,
    OUTSIDE,
    Box,
    EditNote,
    Fit,
    Kept,
    Kind,
    MaskedNote,
)
from impasto.painting.editing.source import SourcePicture, fitted, open_source, source_in_memory

FROM_STRENGTH = 0.6
# By method; a grey mask says itself how strongly, and a 9-channel model knows what it sees around the mask.
MASKED_STRENGTH = {"blend": 0.8, "soft": 1.0, "model": 1.0}
OUTPAINT_STRENGTH = 0.9


@dataclass(frozen=True)
class Edit:
    """How a painting comes from another picture. Equal edits give equal paintings of equal requests.

    Attributes:
        source: the picture.
        strength: 0 .. 1, see `impasto.painting.starting`.
        fit: how the whole picture is brought to the painting's size; a masked one has the painting's size.
        mask: what is painted anew; None paints over everything.
        masked: how the masked part is painted; its `mask` is that of `mask`.
        sides: px that an outpainting adds at the left, top, right and bottom.
        kept: where copies of the files are stored: "no", "beside" the painting, or "inside" it.
        region: of a pass of an outpainting: the part that is painted, left, top, right and bottom.
        image_guidance: if the prompt is an instruction, how closely the picture is followed, 0 .. 50; else None. The U-Net
            sees the picture then, and `strength` 1 loses nothing of it.

    Raises:
        UsageError: a value is out of its range.
    """

    source: SourcePicture
    strength: float = FROM_STRENGTH
    fit: Fit = "crop"
    mask: Mask | None = None
    masked: MaskedNote | None = None
    sides: Box | None = None
    kept: Kept = "no"
    region: Box | None = field(default=None, repr=False)
    image_guidance: float | None = None

    def __post_init__(self) -> None:
        check_strength(self.strength)
        check_word("--fit", self.fit, FITS)
        check_word("--keep-source", self.kept, KEPT)
        if (self.mask is None and self.sides is None) != (self.masked is None):
            raise UsageError("a mask needs its settings, and settings of a mask need a mask")
        if self.mask is not None and self.mask.image.size != self.source.size:
            raise UsageError("the mask has another size than the picture")
        if self.masked is not None:
            check_masked(self.masked)
        if self.image_guidance is not None:
            check_image_guidance(self.image_guidance)
            if self.masked is not None:
                raise UsageError("an instruction is for the whole picture: leave the mask away")

    @property
    def kind(self) -> Kind:
        """from, inpaint, outpaint or instruct."""
        if self.image_guidance is not None:
            return "instruct"
        return "outpaint" if self.sides is not None else "from" if self.mask is None else "inpaint"

    @property
    def has_own_size(self) -> bool:
        """Whether the painting must have the picture's size, with the sides that are added."""
        return self.masked is not None

    @property
    def note(self) -> EditNote:
        """The record of this edit."""
        masked = self.masked
        if masked is not None and self.mask is not None:
            masked = replace(masked, mask=self.mask.note)
        guidance = None if self.image_guidance is None else float(self.image_guidance)
        return EditNote(self.kind, self.source.note, float(self.strength), self.fit, masked, self.sides, self.kept, guidance)

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height of the picture in px, with the sides that are added to it."""
        left, top, right, bottom = self.sides or (0, 0, 0, 0)
        return self.source.size[0] + left + right, self.source.size[1] + top + bottom

    @property
    def is_soft(self) -> bool:
        """Whether the greys of the mask count."""
        return self.masked is not None and self.masked.method == "soft"

    @property
    def run_strength(self) -> float:
        """The strength at which the sampler starts: with a grey mask, that of its lightest part."""
        if not self.is_soft or self.mask is None:
            return self.strength
        return self.strength * self.mask.lightest / 255

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing is painted: the mask is empty."""
        return self.mask is not None and self.mask.box(soft=self.is_soft) is None

    @property
    def files(self) -> tuple[SourcePicture, ...]:
        """The files it was made from, for storing copies of them."""
        mask = self.mask.source if self.mask is not None else None
        return (self.source,) if mask is None else (self.source, mask)

    def picture(self, width: int, height: int) -> Image.Image:
        """Returns the picture in the size of the painting, before it is painted over."""
        return fitted(self.source.image, width, height, self.fit)

    def canvas(self, width: int, height: int, native: int, factor: int) -> Canvas:
        """Returns which part of a painting of this size is painted, and how large.

        Raises:
            UsageError: it is too large to be painted at once.
        """
        return _canvas(self, width, height, native, factor)

    def kind_of_batch(self, canvas: Canvas) -> tuple[Any, ...]:
        """Returns what must be equal for edits that go through the model together."""
        how = self.masked
        shared = None if how is None else (how.method, how.thin)
        return (canvas.size, self.strength, self.run_strength, shared, self.is_unchanged, self.image_guidance is None)

    def check_size(self, width: int, height: int) -> None:
        """Checks a painting's size, which need not be a multiple of 8 as a new painting's.

        Raises:
            UsageError: it is out of range, or another one than that of a masked picture.
        """
        for name, side in (("width", width), ("height", height)):
            if isinstance(side, bool) or not isinstance(side, int) or not 8 <= side <= LARGEST_SIDE:
                raise UsageError(f"{name} {side!r}: use 8 to {LARGEST_SIDE}")
        expected = self.full_size
        if self.has_own_size and (width, height) != expected:
            raise UsageError(f"size {width}x{height}: this edit of {self.source.note.name} has {expected[0]}x{expected[1]}")


def _canvas(edit: Edit, width: int, height: int, native: int, factor: int) -> Canvas:
    whole = (0, 0, width, height)
    box = edit.mask.box(soft=edit.is_soft) if edit.mask is not None else None
    if edit.region is not None:
        return canvas_of(edit.region, native, factor)
    if box is None or edit.masked is None or edit.masked.padding is None:
        return canvas_of(whole, native, factor)
    return canvas_of(region_around(box, edit.masked.padding, width, height), native, factor, enlarged=True)


def check_strength(strength: float) -> None:
    """Raises UsageError unless the strength is a number from 0 to 1."""
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength <= 1:
        raise UsageError(f"strength {strength!r}: use a number from 0, the picture as it is, to 1, nothing of it")


def check_image_guidance(guidance: float) -> None:
    """Raises UsageError unless the image guidance is a number from 0 to 50."""
    if isinstance(guidance, bool) or not isinstance(guidance, int | float) or not 0 <= guidance <= LARGEST_IMAGE_GUIDANCE:
        raise UsageError(f"--image-guidance {guidance!r}: use 0 to {LARGEST_IMAGE_GUIDANCE:g}; 1 to 2.5 are usual")


def check_word(option: str, word: str, words: Sequence[str]) -> None:
    """Raises UsageError unless `word` is one of `words`."""
    if word not in words:
        raise UsageError(f"{option} {word!r}: use {', '.join(words[:-1])} or {words[-1]}")


def check_masked(how: MaskedNote) -> None:
    """Raises UsageError if a setting is out of its range."""
    check_word("--method", how.method, METHODS)
    check_word("--fill", how.fill, FILLS)
    check_word("--keep-outside", how.outside, OUTSIDE)
    check_word("--background", how.background.method, BACKGROUNDS)
    _check_whole("--mask-blur", how.blur, 0, LARGEST_BLUR)
    _check_whole("--thin", how.thin, 0, MOST_DILATIONS)
    if how.padding is not None:
        _check_whole("--padding", how.padding, 0, LARGEST_PADDING)
    if how.thin and how.method != "blend":
        raise UsageError(f"--thin {how.thin} is for --method blend: leave it away")
    _check_whole("--background-steps", how.background.steps, 1, MOST_BACKGROUND_STEPS)
    if not 0 <= how.background.weight <= 1e6:
        raise UsageError(f"--background-weight {how.background.weight:g}: use 0 to 1000000")
    if how.background.rate is not None and not 0 < how.background.rate <= 10:
        raise UsageError(f"--background-rate {how.background.rate:g}: use a number above 0, to 10")


def _check_whole(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{option} {value}: use {least} to {most}")


def start_from(
    init: "str | Path | Image.Image | Edit", strength: float | None = None, fit: Fit | None = None
) -> Edit:
    """Returns the edit that paints over a whole picture; an `Edit` is taken as it is.

    Raises:
        UsageError, ImpastoError: as `open_source` and `Edit`.
    """
    if isinstance(init, Edit):
        if strength is not None or fit is not None:
            raise UsageError("an Edit has its own strength and fit: leave these arguments away")
        return init
    source = source_in_memory(init) if isinstance(init, Image.Image) else open_source(init)
    return Edit(source, FROM_STRENGTH if strength is None else strength, fit or "crop")


def start_size(edit: Edit, native: int, width: int | None, height: int | None) -> tuple[int, int]:
    """Returns the size of a painting that starts from a picture: what was asked for, else by the picture's proportions.

    Without a size, it is the picture's own if its area is a quarter to four times that of the checkpoint's pictures, else
    about the area of these. A picture with a mask keeps its size, and an outpainting has its sides more.

    Args:
        native: px of a side of the checkpoint's pictures.
        width, height: what was asked for.
    """
    own = edit.full_size
    if width is not None and height is not None:
        return width, height
    if edit.has_own_size:
        return width or own[0], height or own[1]
    if width is not None:
        return width, max(8, round(width * own[1] / own[0]))
    if height is not None:
        return max(8, round(height * own[0] / own[1])), height
    area, usual = own[0] * own[1], native * native
    if usual / 4 <= area <= usual * 4 and min(own) >= 8:
        return own
    by = (usual / area) ** 0.5
    return max(8, 8 * round(own[0] * by / 8)), max(8, 8 * round(own[1] * by / 8))
