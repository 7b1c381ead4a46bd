"""The job `inpaint`: paints a part of a picture anew, and keeps the rest byte for byte."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.editing.editing_job import EditingJob

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit
    from impasto.painting.editing.masks import Mask
    from impasto.painting.editing.record import MaskedNote
    from impasto.painting.editing.source import SourcePicture

PADDING = 32  # px around the mask that are painted with it


class InpaintJob(EditingJob):
    """Paints the masked part of a picture anew.

    Attributes:
        mask: a picture of the same size, whose white part is painted anew; None with `box`, or `mask_alpha` for the
            picture's own alpha channel.
        mask_alpha: the transparent part is painted anew, of `mask`, or of the picture.
        box: "LEFT,TOP,WIDTH,HEIGHT" in px, instead of a mask.
        invert_mask: black, what is opaque, or what is outside the box is painted anew.
        resize_mask: brings a mask of another size to the picture's; else it is refused.
        method: "blend", "soft" for grey masks, or "model" for checkpoints with 9 input channels.
        fill: what is in the masked part before: "original", "blur", "noise", "latent-noise".
        mask_blur: px of the seam, which lies inside the mask.
        thin: number of dilations for a thin mask.
        only_masked: paints the part around the mask alone, as large as the checkpoint's pictures, and reduces it.
        padding: px around the mask that are painted with it then; None for 32.
        keep_outside: "exact", the picture's pixels outside the mask; "model", what the model gives there.
        background: "paste", or its reconstruction by "latents" or "decoder".
        background_steps, background_weight, background_rate: of the reconstruction; see `BackgroundNote`.
        strength: 0 .. 1; None for 0.8 with blend, else 1.
    """

    kind: ClassVar[str] = "inpaint"

    mask: Path | None = None
    mask_alpha: bool = False
    box: str | None = None
    invert_mask: bool = False
    resize_mask: bool = False
    method: str = "blend"
    fill: str = "original"
    mask_blur: int = 4
    thin: int = 0
    only_masked: bool = False
    padding: int | None = None
    keep_outside: str = "exact"
    background: str = "paste"
    background_steps: int = 75
    background_weight: float = 100.0
    background_rate: float | None = None

    @model_validator(mode="after")
    def _check(self) -> "InpaintJob":
        from impasto.painting.editing.edit import check_masked
        from impasto.painting.editing.masks import parse_box

        given = [self.mask is not None or self.mask_alpha, self.box is not None]
        if not any(given):
            raise UsageError("there is no mask: give --mask FILE, --mask-alpha or --box LEFT,TOP,WIDTH,HEIGHT")
        if all(given):
            raise UsageError("--box and --mask are two masks: leave one of them away")
        if self.box is not None:
            parse_box(self.box)
        if self.padding is not None and not self.only_masked:
            raise UsageError(f"--padding {self.padding} is for --only-masked: add it, or leave --padding away")
        if self.resize_mask and self.mask is None:
            raise UsageError("--resize-mask is for --mask FILE: leave it away")
        check_masked(self._how)
        return self

    @property
    def done(self) -> str:
        """See `EditingJob.done`."""
        return "inpainted"

    @property
    def _how(self) -> "MaskedNote":
        from impasto.painting.editing.record import BackgroundMethod, BackgroundNote, Fill, MaskedNote, Method, Outside

        padding = PADDING if self.padding is None else self.padding
        return MaskedNote(
            None, cast(Method, self.method), cast(Fill, self.fill), self.mask_blur, self.thin,
            padding if self.only_masked else None, cast(Outside, self.keep_outside),
            BackgroundNote(
                cast(BackgroundMethod, self.background), self.background_steps, self.background_weight, self.background_rate
            ),
        )  # fmt: skip

    def start(self) -> "Edit":
        """See `EditingJob.start`."""
        from impasto.painting.editing.edit import MASKED_STRENGTH, Edit
        from impasto.painting.editing.record import Kept
        from impasto.painting.editing.source import open_source

        source = open_source(self.file)
        strength = MASKED_STRENGTH[self.method] if self.strength is None else self.strength
        return Edit(
            source, strength, mask=self._mask(source), masked=self._how, kept=cast(Kept, self.keep_source)
        )  # fmt: skip

    def _mask(self, picture: "SourcePicture") -> "Mask":
        from impasto.painting.editing.masks import mask_of_alpha, mask_of_box, mask_of_file, parse_box
        from impasto.painting.editing.source import open_source

        if self.box is not None:
            return mask_of_box(parse_box(self.box), picture, inverted=self.invert_mask)
        if self.mask is None:
            return mask_of_alpha(picture, inverted=self.invert_mask)
        source = open_source(self.mask, "--mask ")
        return mask_of_file(
            source, picture, alpha=self.mask_alpha, inverted=self.invert_mask, resize=self.resize_mask
        )  # fmt: skip
