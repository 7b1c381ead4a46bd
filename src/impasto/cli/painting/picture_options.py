"""The command-line options for a picture's settings, shared by all verbs that paint."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.models import ArgumentInfo

from impasto.cli.painting.expansion_options import (
    KEEP,
    ExpandSeed,
    ExpandStyle,
    ExpansionConfig,
    IndexFolder,
    PromptModel,
)
from impasto.errors import UsageError

OFF = "off"  # no expansion
GUIDER_HELP = "What leads it towards the prompt: cfg, interval, auto, domain, apg, cfg++ or pag; see docs/guidance.md."
INTERVAL_HELP = "The shares of the timesteps between which the guider interval guides: 0 is clean, 1 noise."
MEMORY_HELP = "A folder of pictures to look at in place of the checkpoint's own works; none for none."
LIKE_HELP = "A picture to be like, and how much; may be repeated. The prompt may then be left out."
GuiderName = Annotated[
    str | None, typer.Option(help=GUIDER_HELP, metavar="NAME", show_default="the checkpoint's, else cfg")
]
IntervalWords = Annotated[
    str | None, typer.Option("--guidance-interval", help=INTERVAL_HELP, metavar="LOW,HIGH", show_default="0.1,0.8")
]
LoraNames = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        help="A LoRA to merge, and how strongly: a run's folder or a file of weights; may be repeated.",
        metavar="PATH[:SCALE]",
    ),
]
LoraFolders = Annotated[
    list[str] | None,
    typer.Option(
        "--lora-folder", help="Where <lora:name> in a prompt is looked for, before $IMPASTO_LORAS; may be repeated.",
        metavar="DIR",
    ),
]  # fmt: skip
PromptSyntax = Annotated[
    str,
    typer.Option(
        "--prompt-syntax",
        help="a1111: (a:1.3), BREAK, <lora:name:0.5> have a meaning in prompts; compel: (a)1.3, a++; plain: all are words.",
        metavar="a1111|compel|plain",
    ),
]  # fmt: skip
Flagged = Annotated[
    str, typer.Option("--flagged", help="What happens to a flagged picture.", metavar="keep|blur|drop")
]
ConceptNames = Annotated[
    list[str] | None,
    typer.Option("--concept", help="A textual inversion's file: .safetensors or .pt; may be repeated.", metavar="FILE"),
]
MemoryName = Annotated[str, typer.Option(help=MEMORY_HELP, metavar="CATALOGUE", show_default="the checkpoint's")]
LikeNames = Annotated[list[str] | None, typer.Option("--like", help=LIKE_HELP, metavar="PICTURE[:WEIGHT]")]
CopyFeatures = Annotated[
    str,
    typer.Option(help="What proposes pictures: efficientnet-lite2, or SSCD's weights.", metavar="NAME|FILE[:SHA256]"),
]
Checkpoint = Annotated[
    str,
    typer.Option(
        help="pocket, a diffusers folder, a hub name org/name, or one .safetensors file.", metavar="NAME"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16, fp16, or int8 (CPU, with NNCF).")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="What runs the model: auto, eager, optimized or openvino (CPU), compiled (GPU).",
        metavar="NAME",
    ),
]
AnyArtist = Annotated[
    bool, typer.Option("--any-artist", help="Take the artist's name as it is, known or not.")
]


StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--strength", help="How much changes: 0, nothing, to 1, all.", metavar="0..1",
        show_default="0.6; inpaint 0.8, or 1 with soft and model; outpaint 0.9; instruct 1",
    ),
]  # fmt: skip
KeepSource = Annotated[
    str,
    typer.Option("--keep-source", help="Store a copy of the picture with the painting, so that repaint finds it.",
                 metavar="no|beside|inside"),
]  # fmt: skip
# Options of a picture that a verb has no use for, because it keeps the size of the picture that it changes.
OF_NEW_PICTURES = ("init", "fit", "size", "width", "height", "swap", "cross_replace", "self_replace")
_LISTS = ("lora", "lora_folder", "concept", "like", "control", "control_net", "control_weight", "control_from",
          "control_until", "guides", "swap")  # fmt: skip
_control = partial(typer.Option, rich_help_panel="Control")
_words = partial(typer.Option, rich_help_panel="Words")


@dataclass(frozen=True)
class PictureOptions:
    """The settings of one picture on the command line; each field is an option of the same name."""

    prompt: Annotated[
        str, typer.Argument(help="What the picture shows; the seed chooses in {dawn|dusk} and __colour__.", metavar="PROMPT")
    ] = ""
    artist: Annotated[
        list[str] | None,
        typer.Option(help="In whose manner: `impasto artists` lists whom it knows; `paint` takes several.", metavar="NAME"),
    ] = None
    any_artist: AnyArtist = False
    year: Annotated[int | None, typer.Option(help="When it could have been painted.")] = None
    style: Annotated[str, typer.Option(help="Such as Impressionism.")] = ""
    genre: Annotated[str, typer.Option(help="Such as landscape or portrait.")] = ""
    negative: Annotated[str, typer.Option(help="What to keep away from.")] = ""
    expand: Annotated[
        str | None,
        typer.Option(
            help="Enrich the prompt, as `impasto expand` does: wu2022, wang2023, off.", metavar="METHOD", show_default=OFF
        ),
    ] = None
    expand_rank: Annotated[int, typer.Option(help="Which of the expansions, from 1, the best.")] = 1
    index: IndexFolder = None
    prompt_model: PromptModel = None
    expand_seed: ExpandSeed = 0
    expand_style: ExpandStyle = KEEP
    expansion_config: ExpansionConfig = None
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
    prompt_syntax: PromptSyntax = "a1111"
    checkpoint: Checkpoint = "pocket"
    lora: LoraNames = None
    lora_folder: LoraFolders = None
    concept: ConceptNames = None
    memory: MemoryName = ""
    like: LikeNames = None
    init: Annotated[
        Path | None, typer.Option("--from", help="A picture to start from, such as a photograph.", metavar="PICTURE")
    ] = None
    strength: StrengthOption = None
    fit: Annotated[
        str | None,
        typer.Option(help="How that picture is brought to --size.", metavar="crop|pad|stretch", show_default="crop"),
    ] = None
    keep_source: KeepSource = "no"
    control: Annotated[
        list[str] | None,
        _control(help="A picture whose map it follows: canny, scribble, hed, ...; map=FILE for a map; may be repeated.",
                 metavar="KIND=PICTURE"),
    ] = None
    control_net: Annotated[
        list[str] | None,
        _control(help="A ControlNet or T2I-Adapter: a folder, a run or a file; one, or one for each.", metavar="PATH",
                 show_default="the checkpoint's own"),
    ] = None
    control_weight: Annotated[list[float] | None, _control(help="How strongly, 0 to 4.", show_default="1")] = None
    control_from: Annotated[list[float] | None, _control(help="From this share of the steps on.", show_default="0")] = None
    control_until: Annotated[list[float] | None, _control(help="Until this share of the steps.", show_default="1")] = None
    control_guess: Annotated[
        bool, _control("--control-guess", help="Follow the map with little help of the prompt.")
    ] = False
    guides: Annotated[
        list[str] | None,
        typer.Option(
            "--guide", help="A model whose gradient leads its steps; may be repeated; see docs/guides.md.",
            metavar="scorer:WEIGHT|classifier:FILE[:LABEL]",
        ),
    ] = None
    swap: Annotated[
        list[str] | None,
        _words(help="Words to replace; the layout stays that of the picture without; may be repeated.", metavar="OLD=NEW"),
    ] = None
    cross_replace: Annotated[
        float | None, _words(help="Share of the steps in which words act as there.", metavar="0..1", show_default="0.8")
    ] = None
    self_replace: Annotated[
        float | None, _words(help="Share of the steps with that layout.", metavar="0..1", show_default="0.4")
    ] = None
    device: Device = "auto"
    precision: Precision = "auto"
    engine: EngineName = "auto"

    def fields(self) -> dict[str, Any]:
        """Returns the fields of `impasto.jobs.painting.picture.Picture`.

        Raises:
            UsageError: several artists are given; `fields_for_several` is for verbs that take them.
        """
        given = self.fields_for_several()
        if given.pop("artists"):
            raise UsageError('--artist is given more than once: a sheet takes them as --artists "A,B"')
        return given

    def fields_for_several(self) -> dict[str, Any]:
        """Returns the fields of a `Picture`, and `artists` if several are given; then `artist` is ""."""
        given = {option.name: getattr(self, option.name) for option in fields(self)}
        artists = tuple(given["artist"] or ())
        several = artists if len(artists) > 1 else ()
        one = artists[0] if len(artists) == 1 else ""
        lists = {name: () if name in _LISTS and value is None else value for name, value in given.items()}
        if lists["expand"] is None:  # a series of extensions implies a method, unless "off" was typed
            del lists["expand"]
        return {**lists, "artist": one, "artists": several}


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(one, ArgumentInfo) for one in getattr(parameter.annotation, "__metadata__", ()))


def with_picture(command: Callable[..., None], without: Sequence[str] = ()) -> Callable[..., None]:
    """Decorator that adds the options of a picture before the command's own; it gets them as `picture: PictureOptions`.

    The command's own arguments come before the prompt.

    Args:
        without: names of options that are not offered.
    """
    offered = [option for option in fields(PictureOptions) if option.name not in without]

    def run(**given: Any) -> None:
        picture = PictureOptions(**{option.name: given.pop(option.name) for option in offered})
        command(picture=picture, **given)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=kind) for p in inspect.signature(command).parameters.values() if p.name != "picture"]
    options = [
        inspect.Parameter(option.name, kind, default=option.default, annotation=option.type) for option in offered
    ]
    ordered = [*filter(_is_argument, own), *options, *(one for one in own if not _is_argument(one))]
    run.__signature__ = inspect.Signature(ordered)  # pyright: ignore[reportFunctionMemberAccess]
    run.__annotations__ = {p.name: p.annotation for p in ordered}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
