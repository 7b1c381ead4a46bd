"""What a picture is to be: the fields that all painting jobs share, and how they become settled requests."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.painting.adapters import Adapters, Say
from impasto.jobs.painting.memory_use import check_memory, read_like_options
from impasto.jobs.painting.prompt_steps import OFF, PromptSteps
from impasto.jobs.painting.setup import USUAL_SIDE, PaintingSetup

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.defaults import Sampling
    from impasto.painting.request import PaintRequest


def parse_size(size: str | None, width: int | None, height: int | None) -> tuple[int | None, int | None]:
    """(width, height) of "128" or "192x128", unless `width` or `height` say otherwise; else None.

    Raises:
        UsageError: `size` is neither form.
    """
    if size is not None:
        parts = size.lower().replace("×", "x").split("x")
        if len(parts) > 2 or not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
            raise UsageError(f"size {size!r}: use pixels, such as 128 or 192x128")
        width = width if width is not None else int(parts[0])
        height = height if height is not None else int(parts[-1])
    return width, height


class Picture(BaseModel):
    """One picture as it is asked for. None stands for what the checkpoint says of itself, else for what is usual.

    Attributes:
        prompt: what it shows; the seed chooses in {dawn|dusk} and __colour__.
        any_artist: the artist's name is taken as it is, known or not.
        year, style, genre, negative: see `Condition` and `PaintRequest`.
        expand: the method of expansion, "wu2022" or "wang2023", or "off"; `expand_rank`: which expansion, from 1.
        wildcards: a folder with lists for __name__.
        seed: None draws one.
        sampler, steps, guidance, guider, eta: see `PaintRequest`.
        guidance_interval: "LOW,HIGH", of the guider `interval`.
        size: "128" or "192x128"; `width`, `height`: pixels.
        lora: "PATH" or "PATH:SCALE" each; `concept`: files.
        memory: "" for the checkpoint's, "none", or a folder of pictures; `like`: "PICTURE" or "PICTURE:WEIGHT" each.
        device: auto, cpu, cuda, cuda:1, mps; `precision`: auto, fp32, bf16, fp16.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = ""
    artist: str = ""
    any_artist: bool = False
    year: int | None = None
    style: str = ""
    genre: str = ""
    negative: str = ""
    expand: str = OFF
    expand_rank: int = 1
    wildcards: Path | None = None
    seed: int | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    guider: str | None = None
    guidance_interval: str | None = None
    eta: float = 0.0
    size: str | None = None
    width: int | None = None
    height: int | None = None
    checkpoint: str = "pocket"
    lora: tuple[str, ...] = ()
    concept: tuple[str, ...] = ()
    memory: str = ""
    like: tuple[str, ...] = ()
    device: str = "auto"
    precision: str = "auto"

    @property
    def prompt_steps(self) -> PromptSteps:
        """What is done with the prompt before it is painted."""
        return PromptSteps(self.expand, self.expand_rank, self.wildcards)

    def draft(self, seed: int) -> "PaintRequest":
        """The request as far as it is known without the disk; each value is checked.

        Raises:
            UsageError: a value makes no sense.
        """
        width, height = parse_size(self.size, self.width, self.height)
        self.prompt_steps.check()

        from impasto.painting.memory.record import Like
        from impasto.painting.request import PaintRequest
        from impasto.prompts.condition import Condition

        sampling = self.sampling(None)
        if self.sampler is None and self.eta:
            sampling = replace(sampling, sampler="ddim")  # as the checkpoint may say that it is painted
        return PaintRequest(
            condition=Condition(
                caption=self.prompt.strip(), artist=self.artist.strip(), year=self.year, style=self.style, genre=self.genre
            ),
            negative=self.negative,
            seed=seed,
            **asdict(sampling),
            eta=self.eta,
            width=USUAL_SIDE if width is None else width,
            height=USUAL_SIDE if height is None else height,
            like=tuple(Like(word, "") for word in self.like if word),
        )

    def sampling(self, defaults: "PaintingDefaults | None") -> "Sampling":
        """Sampler, steps, guider and guidance: what was asked for, and what a checkpoint of these defaults adds.

        Raises:
            UsageError: no such sampler or guider, or no interval.
        """
        from impasto.painting.defaults import NO_DEFAULTS, choose_sampling
        from impasto.painting.guidance.record import parse_interval

        return choose_sampling(
            defaults or NO_DEFAULTS,
            sampler=self.sampler,
            steps=self.steps,
            guider=self.guider,
            guidance=self.guidance,
            guidance_interval=parse_interval(self.guidance_interval) if self.guidance_interval else None,
            negative=self.negative,
        )

    def setup(self, say: Say) -> PaintingSetup:
        """What it is painted with: the checkpoint and its adapters, pocket's student for lcm among them.

        Raises:
            UsageError, MissingPart, ImpastoError: as `Adapters.named` and `PaintingSetup.check`.
        """
        adapters = Adapters.named(self.lora, self.concept)
        if self.sampler == "lcm":
            adapters = adapters.with_student(self.checkpoint, say)
        return PaintingSetup.check(self.checkpoint, self.device, self.precision, adapters)

    def settle(self, setup: PaintingSetup, seed: int) -> "PaintRequest":
        """The whole request but for the prompt's steps: artist's whole name, sampling, size, pictures to be like.

        Raises:
            UsageError: the checkpoint knows artists, and not this one; it has no memory and is to look at another; or it
                has no guide and is to be led by one; a weight is out of its range.
            ImpastoError: a picture to be like cannot be read.
        """
        request = replace(self.draft(seed), memory=check_memory(self.memory), like=read_like_options(self.like))
        setup.check_memory(request)
        condition = request.condition
        if not self.any_artist:
            condition = replace(condition, artist=setup.resolve_artist(condition.artist))
        sampling = self.sampling(setup.painting_defaults)
        if sampling.sampler == "lcm" and self.steps is None:
            sampling = replace(sampling, steps=setup.adapters.student_steps or sampling.steps)
        width, height = parse_size(self.size, self.width, self.height)
        request = replace(
            request,
            condition=condition,
            **asdict(sampling),
            width=width or setup.side,
            height=height or setup.side,
        )
        setup.check_guider(request)
        return request


class PictureJob(Picture, Job):
    """A job that paints from a `Picture`'s fields."""

    @model_validator(mode="after")
    def _check_picture(self) -> "PictureJob":
        if self.is_whole:
            self.draft(0 if self.seed is None else self.seed)
        return self

    @property
    def is_whole(self) -> bool:
        """Whether these fields alone say what is painted; a sheet's axes may say more."""
        return True
