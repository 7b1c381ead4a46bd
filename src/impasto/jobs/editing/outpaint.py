"""The job `outpaint`: adds to a picture at any of its sides; the picture itself stays byte for byte."""

from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.editing.editing_job import EditingJob

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit
    from impasto.painting.editing.record import Box, MaskedNote


class OutpaintJob(EditingJob):
    """Extends the canvas of a picture, and paints what is new.

    Attributes:
        left, up, right, down: px to add; larger ones than half of the checkpoint's pictures are added in strips.
        method: "blend", or "model" for checkpoints with 9 input channels.
        fill: what is in the new part before: "original" (the edge, repeated), "blur", "noise", "latent-noise".
        mask_blur: px of the seam, which lies in the new part.
        strength: 0 .. 1; None for 0.9.
    """

    kind: ClassVar[str] = "outpaint"

    left: int = 0
    up: int = 0
    right: int = 0
    down: int = 0
    method: str = "blend"
    fill: str = "blur"
    mask_blur: int = 4

    @model_validator(mode="after")
    def _check(self) -> "OutpaintJob":
        from impasto.painting.editing.edit import check_masked
        from impasto.painting.editing.outpainting import check_sides

        check_sides(self._sides)
        if self.method == "soft":
            raise UsageError("--method soft is for grey masks: use blend or model")
        check_masked(self._how)
        return self

    @property
    def done(self) -> str:
        """See `EditingJob.done`."""
        return "outpainted"

    @property
    def _sides(self) -> "Box":
        return self.left, self.up, self.right, self.down

    @property
    def _how(self) -> "MaskedNote":
        from impasto.painting.editing.record import Fill, MaskedNote, Method

        return MaskedNote(None, cast(Method, self.method), cast(Fill, self.fill), self.mask_blur)

    def start(self) -> "Edit":
        """See `EditingJob.start`."""
        from impasto.painting.editing.edit import OUTPAINT_STRENGTH, Edit
        from impasto.painting.editing.record import Kept
        from impasto.painting.editing.source import open_source

        source = open_source(self.file)
        strength = OUTPAINT_STRENGTH if self.strength is None else self.strength
        return Edit(source, strength, masked=self._how, sides=self._sides, kept=cast(Kept, self.keep_source))
