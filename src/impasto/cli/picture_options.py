"""The options that say what a picture is to be, for every verb that paints from them: from typed words to a request."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.easel import USUAL_SIDE, Materials, parse_size
from impasto.cli.enrichment import OFF, Enrichment
from impasto.cli.guided import GuiderName, IntervalWords
from impasto.cli.laid_over import ConceptNames, LaidOver, LoraNames
from impasto.cli.looked_at import LikeNames, MemoryName, check_memory, read_like_options

if TYPE_CHECKING:
    from impasto.checkpoints.painting_defaults import PaintingDefaults
    from impasto.painting.defaults import Manner
    from impasto.painting.request import PaintRequest

Checkpoint = Annotated[
    str,
    typer.Option(
        help="pocket, a diffusers folder, a hub name org/name, or one .safetensors file.", metavar="NAME"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
AnyArtist = Annotated[
    bool, typer.Option("--any-artist", help="Take the artist's name as it is, known or not.")
]


@dataclass(frozen=True)
class PictureOptions:
    """One picture as it was asked for on the command line; each field is an option of its name."""

    prompt: Annotated[
        str, typer.Argument(help="What the picture shows; the seed chooses in {dawn|dusk} and __colour__.", metavar="PROMPT")
    ] = ""
    artist: Annotated[str, typer.Option(help="In whose manner: `impasto artists` lists whom it knows.")] = ""
    any_artist: AnyArtist = False
    year: Annotated[int | None, typer.Option(help="When it could have been painted.")] = None
    style: Annotated[str, typer.Option(help="Such as Impressionism.")] = ""
    genre: Annotated[str, typer.Option(help="Such as landscape or portrait.")] = ""
    negative: Annotated[str, typer.Option(help="What to keep away from.")] = ""
    expand: Annotated[
        str, typer.Option(help="Enrich the prompt, as `impasto expand` does: wu2022, wang2023, off.", metavar="METHOD")
    ] = OFF
    expand_rank: Annotated[int, typer.Option(help="Which of the expansions, from 1, the best.")] = 1
    wildcards: Annotated[
        Path | None, typer.Option(help="Your own lists for __name__ in the prompt: name.txt in this folder.", metavar="DIR")
    ] = None
    seed: Annotated[
        int | None, typer.Option(help="The same seed paints the same picture.", show_default="random; for a sheet 1")
    ] = None
    sampler: Annotated[
        str | None,
        typer.Option(
            help="ddpm, ddim, plms, dpm++, dpm++-sde, euler, euler-a, heun, unipc, or lcm, whose student needs few steps.",
            show_default="the checkpoint's, else dpm++",
        ),
    ] = None
    steps: Annotated[
        int | None, typer.Option(help="1 to 1000.", show_default="the checkpoint's, else 25; with lcm its student's, 4")
    ] = None
    guidance: Annotated[
        float | None,
        typer.Option(
            help="How closely to follow the prompt, 0 to 50.", show_default="the checkpoint's, else 5; with lcm 1"
        ),
    ] = None
    guider: GuiderName = None
    guidance_interval: IntervalWords = None
    eta: Annotated[float, typer.Option(help="Share of fresh noise in each step, 0 to 1; ddim only.")] = 0.0
    size: Annotated[str | None, typer.Option(help="Pixels: 128 or 192x128.", metavar="N|WxH")] = None
    width: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None
    height: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None
    checkpoint: Checkpoint = "pocket"
    lora: LoraNames = None
    concept: ConceptNames = None
    memory: MemoryName = ""
    like: LikeNames = None
    device: Device = "auto"
    precision: Precision = "auto"

    @property
    def enrichment(self) -> Enrichment:
        """What is done with the prompt before it is painted."""
        return Enrichment(self.expand, self.expand_rank, self.wildcards)

    def check(self) -> "PaintRequest":
        """The request as far as it is known without a look at the checkpoint; a seed is drawn where none was given.

        Raises:
            UsageError: a value makes no sense: found before seconds are spent on loading anything.
        """
        width, height = parse_size(self.size, self.width, self.height)
        self.enrichment.check()

        import secrets

        from impasto.painting.request import PaintRequest
        from impasto.prompts.condition import Condition

        manner = self.manner(None)
        if self.sampler is None and self.eta:
            manner = replace(manner, sampler="ddim")  # as the checkpoint may say that it is painted
        return PaintRequest(
            condition=Condition(
                caption=self.prompt.strip(), artist=self.artist.strip(), year=self.year, style=self.style, genre=self.genre
            ),
            negative=self.negative,
            seed=secrets.randbelow(2**32) if self.seed is None else self.seed,
            **asdict(manner),
            eta=self.eta,
            width=USUAL_SIDE if width is None else width,
            height=USUAL_SIDE if height is None else height,
            memory=check_memory(self.memory),
            like=read_like_options(self.like),
        )

    def manner(self, defaults: "PaintingDefaults | None") -> "Manner":
        """Sampler, steps, guider and guidance: what was asked for, and what a checkpoint of these defaults adds.

        Raises:
            UsageError: no such sampler or guider, or no interval.
        """
        from impasto.painting.defaults import NO_DEFAULTS, choose_manner
        from impasto.painting.guidance.record import parse_interval

        return choose_manner(
            defaults or NO_DEFAULTS,
            sampler=self.sampler,
            steps=self.steps,
            guider=self.guider,
            guidance=self.guidance,
            guidance_interval=parse_interval(self.guidance_interval) if self.guidance_interval else None,
            negative=self.negative,
        )

    def materials(self) -> Materials:
        """What it is painted with: the checkpoint, and what is laid over it, pocket's student for lcm among that.

        Raises:
            UsageError, MissingPart, ImpastoError: as `LaidOver.named` and `Materials.check`.
        """
        laid_over = LaidOver.named(self.lora, self.concept)
        if self.sampler == "lcm":
            laid_over = laid_over.with_student(self.checkpoint)
        return Materials.check(self.checkpoint, self.device, self.precision, laid_over)

    def complete(self, request: "PaintRequest", materials: Materials) -> "PaintRequest":
        """What `check` gave, with what the materials decide: the artist's whole name, the manner of painting, the size.

        Raises:
            UsageError: the checkpoint knows artists, and not this one; it has no memory and is to look at another; or it
                has no guide and is to be led by one.
        """
        width, height = parse_size(self.size, self.width, self.height)
        materials.check_memory(request)
        condition = request.condition
        if not self.any_artist:
            condition = replace(condition, artist=materials.resolve_artist(condition.artist))
        manner = self.manner(materials.painting_defaults)
        if manner.sampler == "lcm" and self.steps is None:
            manner = replace(manner, steps=materials.laid_over.student_steps or manner.steps)
        request = replace(
            request,
            condition=condition,
            **asdict(manner),
            width=width or materials.side,
            height=height or materials.side,
        )
        materials.check_guider(request)
        return request


def with_picture(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a picture before its own; it gets them as `picture`, a `PictureOptions`."""
    offered = fields(PictureOptions)

    def run(**given: Any) -> None:
        picture = PictureOptions(**{option.name: given.pop(option.name) for option in offered})
        command(picture=picture, **given)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=kind) for p in inspect.signature(command).parameters.values() if p.name != "picture"]
    options = [
        inspect.Parameter(option.name, kind, default=option.default, annotation=option.type) for option in offered
    ]
    run.__signature__ = inspect.Signature([*options, *own])  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in (*options, *own)}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
