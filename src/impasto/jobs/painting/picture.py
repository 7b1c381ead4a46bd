"""The settings of a picture that all painting jobs share, and their conversion to complete painting requests."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, model_validator

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.jobs.editing.controls import ControlOptions
from impasto.jobs.editing.guides import check_models, read_guides
from impasto.jobs.editing.starting_picture import NO_KEEPING, check_start, starting_picture
from impasto.jobs.editing.word_swaps import check_swaps, with_swaps
from impasto.jobs.painting.adapters import Adapters, Say
from impasto.jobs.painting.memory_use import check_memory, read_like_options
from impasto.jobs.painting.prompt_steps import OFF, PromptSteps
from impasto.jobs.painting.setup import USUAL_SIDE, PaintingSetup
from impasto.prompts.expansion.choices import KEEP
from impasto.prompts.weights import A1111

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.defaults import Sampling
    from impasto.painting.editing.edit import Edit
    from impasto.painting.request import PaintRequest


def parse_size(size: str | None, width: int | None, height: int | None) -> tuple[int | None, int | None]:
    """Parses "128" or "192x128" to (width, height); `width` and `height` take precedence. Missing values are None.

    Raises:
        UsageError: `size` has neither form.
    """
    if size is not None:
        parts = size.lower().replace("×", "x").split("x")
        if len(parts) > 2 or not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
            raise UsageError(f"size {size!r}: use pixels, such as 128 or 192x128")
        width = width if width is not None else int(parts[0])
        height = height if height is not None else int(parts[-1])
    return width, height


class Picture(BaseModel):
    """The settings of one picture. None means the checkpoint's recommended value, otherwise the usual default.

    Attributes:
        prompt: what the picture shows; the seed chooses in {dawn|dusk} and __colour__.
        artist: the artist's name.
        any_artist: accepts the artist's name unchanged, even if the checkpoint does not know it.
        year, style, genre, negative: see `Condition` and `PaintRequest`.
        expand: the expansion method, "wu2022" or "wang2023", or "off".
        expand_rank: the rank of the chosen expansion, from 1.
        index: for wu2022, the output of `impasto knowledge build`, searched besides the handbook.
        prompt_model: for wang2023, the output of `impasto train prompt-model`.
        expand_seed: seed of the language models that expand, 0 or more.
        expansion_config: a file of the expansion's settings, .toml or .json: see `ExpansionSettings`.
        expand_style: "keep" for no style or painter that the prompt does not name, "free" for any.
        wildcards: a folder with lists for __name__.
        seed: the seed; None draws one.
        sampler, steps, guidance, guider, eta: see `PaintRequest`.
        guidance_interval: "LOW,HIGH", for the guider `interval`.
        size: "128" or "192x128".
        width, height: pixels.
        prompt_syntax: "a1111", `(a:1.3)`, `BREAK` and `<lora:name:0.5>` have a meaning in prompts; "compel", `(a)1.3` and
            `a++` have; "plain", all are words.
        checkpoint: the checkpoint that paints.
        lora: LoRAs, each as "PATH" or "PATH:SCALE".
        lora_folder: folders with the LoRAs that prompts ask for, before `$IMPASTO_LORAS` and the usual ones.
        concept: files of concepts.
        memory: "" for the checkpoint's memory, "none", or a folder of pictures.
        like: reference pictures, each as "PICTURE" or "PICTURE:WEIGHT".
        init: the picture to start from, if any.
        strength: 0 .. 1, how much of it is painted anew; None for the usual one.
        fit: how it is brought to the size: "crop", "pad" or "stretch"; None for "crop".
        keep_source: where a copy of it is stored: "no", "beside" the painting, or "inside".
        control: pictures whose maps it follows, each as "KIND=PICTURE"; "map=PICTURE" for one that is a map already.
        control_net, control_weight, control_from, control_until: network, weight (0 to 4) and first and last share of the
            steps, one for all controls or one for each; without a network, the checkpoint's own.
        control_guess: they act on the condition alone.
        swap: words of the prompt to replace, each as "OLD=NEW"; the layout is that of the picture without.
        cross_replace, self_replace: shares of the steps in which cross-attention and self-attention are that picture's.
        guides: what else leads its steps, each as "scorer:150" or "classifier:FILE:LABEL"; see `impasto.painting.guides`.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, fp32, bf16, fp16.
        engine: what runs the model: auto, eager, optimized, openvino, compiled.
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
    index: Path | None = None
    prompt_model: str | None = None
    expand_seed: int = 0
    expand_style: str = KEEP
    expansion_config: Path | None = None
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
    prompt_syntax: str = A1111
    checkpoint: str = "pocket"
    lora: tuple[str, ...] = ()
    lora_folder: tuple[str, ...] = ()
    concept: tuple[str, ...] = ()
    memory: str = ""
    like: tuple[str, ...] = ()
    init: Path | None = None
    strength: float | None = None
    fit: str | None = None
    keep_source: str = NO_KEEPING
    control: tuple[str, ...] = ()
    control_net: tuple[str, ...] = ()
    control_weight: tuple[float, ...] = ()
    control_from: tuple[float, ...] = ()
    control_until: tuple[float, ...] = ()
    control_guess: bool = False
    guides: tuple[str, ...] = ()
    swap: tuple[str, ...] = ()
    cross_replace: float | None = None
    self_replace: float | None = None
    device: str = "auto"
    precision: str = "auto"
    engine: str = "auto"

    @property
    def prompt_steps(self) -> PromptSteps:
        """The processing of the prompt before painting.

        Raises:
            UsageError: an option of the expansion is invalid.
        """
        return PromptSteps.of(
            self.expand, self.expand_rank, self.wildcards, index=self.index, prompt_model=self.prompt_model,
            seed=self.expand_seed, style=self.expand_style, config=self.expansion_config, syntax=self.prompt_syntax,
        )  # fmt: skip

    def draft(self, seed: int) -> "PaintRequest":
        """Returns the request as far as it is known without the disk, and checks each value.

        Raises:
            UsageError: a value is invalid.
        """
        width, height = parse_size(self.size, self.width, self.height)
        _ = self.prompt_steps  # checks the expansion's options
        check_start(self.init if not self.has_picture else Path(), self.strength, self.fit, self.keep_source)
        self._controls.check()
        read_guides(self.guides)
        check_swaps(self.prompt.strip(), self.swap, self.cross_replace, self.self_replace, expands=self.expand != OFF)
        if self.init is not None or self.has_picture:  # its sides need not be multiples of 8; checked with the picture
            width = height = None

        from impasto.painting.memory.record import Like
        from impasto.painting.request import PaintRequest
        from impasto.prompts.condition import Condition

        sampling = self.sampling(None)
        if self.sampler is None and self.eta:
            sampling = replace(sampling, sampler="ddim")  # the checkpoint may recommend this sampler
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
        """Returns sampler, steps, guider and guidance: the requested values, completed by the checkpoint's defaults.

        Raises:
            UsageError: there is no such sampler or guider, or the interval is invalid.
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

    @property
    def has_picture(self) -> bool:
        """Whether the job has a picture of its own, for which strength and the like are given."""
        return False

    def start(self) -> "Edit | None":
        """Opens the picture that the painting starts from; None if it starts from noise.

        Raises:
            UsageError, ImpastoError: as `starting_picture`.
        """
        if self.init is None:
            return None
        return starting_picture(self.init, self.strength, self.fit, self.keep_source)

    @property
    def _controls(self) -> ControlOptions:
        return ControlOptions(
            self.control, self.control_net, self.control_weight, self.control_from, self.control_until, self.control_guess
        )

    def setup(self, say: Say) -> PaintingSetup:
        """Returns the checkpoint and its adapters for painting; for lcm, they include pocket's student.

        Raises:
            UsageError, MissingPart, ImpastoError: the same as `Adapters.named` and `PaintingSetup.check`.
        """
        adapters = Adapters.named(self.lora, self.concept)
        if self.sampler == "lcm":
            adapters = adapters.with_student(self.checkpoint, say)
        setup = PaintingSetup.check(self.checkpoint, self.device, self.precision, adapters, self.engine)
        return replace(setup, lora_folders=self.lora_folder)

    def settle(self, setup: PaintingSetup, seed: int) -> "PaintRequest":
        """Returns the complete request with the artist's full name, sampling, size and reference pictures.

        Only the processing of the prompt (`prompt_steps`) is not included.

        Raises:
            UsageError: the checkpoint has a list of artists without this one; the request uses a memory but the checkpoint
                has none; the guider needs a guide model but the checkpoint has none; a weight is out of its range.
            ImpastoError: a reference picture cannot be read.
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
        edit, size = self.start(), (width or setup.side, height or setup.side)
        if edit is not None:
            from impasto.painting.editing.edit import start_size

            size = start_size(edit, setup.side, width, height)
        guides = read_guides(self.guides)
        check_models(guides)
        request = replace(
            request, condition=condition, **asdict(sampling), width=size[0], height=size[1], edit=edit,
            controls=self._controls.open(), guides=guides,
        )  # fmt: skip
        setup.check_guider(request)
        return with_swaps(request, self.swap, self.cross_replace, self.self_replace)


class PictureJob(Picture, Job):
    """A job that paints from a `Picture`'s fields."""

    @model_validator(mode="after")
    def _check_picture(self) -> "PictureJob":
        if self.is_whole:
            self.draft(0 if self.seed is None else self.seed)
        return self

    @property
    def is_whole(self) -> bool:
        """Whether these fields alone determine the picture; in a sheet, the axes may determine more."""
        return True
