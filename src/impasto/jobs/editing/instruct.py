"""The job `instruct`: changes a picture as an instruction says (InstructPix2Pix, Brooks et al. 2023)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import model_validator

from impasto.errors import UsageError
from impasto.jobs.editing.editing_job import EditingJob
from impasto.painting.editing.record import IMAGE_GUIDANCE

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.defaults import Sampling
    from impasto.painting.editing.edit import Edit
    from impasto.painting.request import PaintRequest

GUIDANCE = 7.5  # s_T of Brooks et al. 2023
EXAMPLE = 'such as "make it winter"'


class InstructJob(EditingJob):
    """Changes a picture as an instruction says, with a checkpoint whose U-Net sees the picture.

    Attributes:
        prompt: the instruction.
        image_guidance: how closely the picture is followed, 0 .. 50; s_I in equation 3 of Brooks et al. 2023.
        guidance: how closely the instruction is followed, s_T; None for the checkpoint's, else 7.5.
        strength: 0 .. 1; below 1, the sampler starts from the noised picture instead of noise; None for 1.
        size, width, height, fit: as of a painting that starts from a picture.
    """

    kind: ClassVar[str] = "instruct"
    not_ours: ClassVar[Mapping[str, str]] = {
        "init": "--from", "artist": "--artist", "style": "--style", "genre": "--genre", "year": "--year",
        "control": "--control", "like": "--like", "guides": "--guide", "cross_replace": "--cross-replace",
        "self_replace": "--self-replace",
    }  # fmt: skip
    why_not: ClassVar[str] = f"an instruction says what changes, {EXAMPLE}"

    image_guidance: float = IMAGE_GUIDANCE

    @model_validator(mode="after")
    def _check_instruction(self) -> "InstructJob":
        from impasto.painting.editing.edit import check_image_guidance
        from impasto.painting.request import check_instructed_by

        check_image_guidance(self.image_guidance)
        if self.guider is not None:
            check_instructed_by(self.guider)
        return self

    def draft(self, seed: int) -> "PaintRequest":
        """See `Picture.draft`.

        Raises:
            UsageError: a value is invalid; the instruction is empty.
        """
        if not self.prompt.strip():
            raise UsageError(f"there is no instruction: say what is to change, {EXAMPLE}")
        return super().draft(seed)

    def sampling(self, defaults: "PaintingDefaults | None") -> "Sampling":
        """See `Picture.sampling`. The usual guidance is 7.5; guiders that follow no instructions are passed over."""
        from impasto.painting.request import INSTRUCTED_BY

        if defaults is not None and defaults.guider not in ("", *INSTRUCTED_BY):
            defaults = replace(defaults, guider="", guidance=None)
        sampling = super().sampling(defaults)
        theirs = None if defaults is None else defaults.guidance
        if self.guidance is None and theirs is None and sampling.sampler != "lcm":
            sampling = replace(sampling, guidance=GUIDANCE)
        return sampling

    @property
    def done(self) -> str:
        """See `EditingJob.done`."""
        return self.prompt

    def start(self) -> "Edit":
        """See `EditingJob.start`."""
        from impasto.painting.editing.edit import Edit
        from impasto.painting.editing.record import Fit, Kept
        from impasto.painting.editing.source import open_source

        return Edit(
            open_source(self.file), 1.0 if self.strength is None else self.strength, cast(Fit, self.fit or "crop"),
            kept=cast(Kept, self.keep_source), image_guidance=self.image_guidance,
        )  # fmt: skip
