"""`impasto paint`: new pictures from a prompt."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.easel import USUAL_SIDE, Materials, paint_to_files, parse_size
from impasto.cli.enrichment import Enrichment
from impasto.cli.laid_over import ConceptNames, LaidOver, LoraNames
from impasto.cli.output import Output, slug
from impasto.errors import UsageError

MOST_PICTURES = 10_000

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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="With --out FILE.png: replace that file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for each painting.")]


def paint(
    prompt: Annotated[
        str, typer.Argument(help="What the picture shows; the seed chooses in {dawn|dusk} and __colour__.", metavar="PROMPT")
    ] = "",
    artist: Annotated[str, typer.Option(help="In whose manner: `impasto artists` lists whom it knows.")] = "",
    any_artist: AnyArtist = False,
    year: Annotated[int | None, typer.Option(help="When it could have been painted.")] = None,
    style: Annotated[str, typer.Option(help="Such as Impressionism.")] = "",
    genre: Annotated[str, typer.Option(help="Such as landscape or portrait.")] = "",
    negative: Annotated[str, typer.Option(help="What to keep away from.")] = "",
    expand: Annotated[
        str, typer.Option(help="Enrich the prompt, as `impasto expand` does: wu2022, wang2023, off.", metavar="METHOD")
    ] = "off",
    expand_rank: Annotated[int, typer.Option(help="Which of the expansions, from 1, the best.")] = 1,
    wildcards: Annotated[
        Path | None, typer.Option(help="Your own lists for __name__ in the prompt: name.txt in this folder.", metavar="DIR")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many; picture k has seed + k - 1.")] = 1,
    seed: Annotated[
        int | None, typer.Option(help="The same seed paints the same picture; random if not given.")
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            help="ddpm, ddim, plms, dpm++, dpm++-sde, euler, euler-a, heun, unipc, or lcm, whose student needs few steps."
        ),
    ] = "dpm++",
    steps: Annotated[int | None, typer.Option(help="1 to 1000.", show_default="25; with lcm its student's, 4")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="How closely to follow the prompt, 0 to 50.", show_default="5; with lcm 1")
    ] = None,
    eta: Annotated[float, typer.Option(help="Share of fresh noise in each step, 0 to 1; ddim only.")] = 0.0,
    size: Annotated[str | None, typer.Option(help="Pixels: 128 or 192x128.", metavar="N|WxH")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")] = None,
    batch: Annotated[
        int | None, typer.Option(help="How many to paint at once; as many as fit if not given.")
    ] = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Annotated[Path, typer.Option(help="A folder, or one FILE.png.")] = Path("pictures"),
    overwrite: Overwrite = False,
    checkpoint: Checkpoint = "pocket",
    lora: LoraNames = None,
    concept: ConceptNames = None,
    device: Device = "auto",
    precision: Precision = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint one or more pictures."""
    if not 1 <= count <= MOST_PICTURES:
        raise UsageError(f"count {count}: use 1 to {MOST_PICTURES}")
    if batch is not None and batch < 1:
        raise UsageError(f"batch {batch}: use 1 or more")
    if preview_every < 0:
        raise UsageError(f"preview-every {preview_every}: use 0 (never) or more")
    asked_width, asked_height = parse_size(size, width, height)
    enrichment = Enrichment(expand, expand_rank, wildcards)
    enrichment.check()

    import secrets
    from dataclasses import replace

    from impasto.painting.request import PaintRequest
    from impasto.painting.samplers import find_sampler
    from impasto.prompts.condition import Condition

    usual = find_sampler(sampler)
    # Everything that can be wrong is found before seconds are spent on loading the checkpoint.
    first = PaintRequest(
        condition=Condition(
            caption=prompt.strip(), artist=artist.strip(), year=year, style=style, genre=genre
        ),
        negative=negative,
        seed=secrets.randbelow(2**32) if seed is None else seed,
        sampler=sampler,
        steps=usual.usual_steps if steps is None else steps,
        guidance=usual.usual_guidance if guidance is None else guidance,
        eta=eta,
        width=USUAL_SIDE if asked_width is None else asked_width,
        height=USUAL_SIDE if asked_height is None else asked_height,
    )
    requests = [replace(first, seed=first.seed + k) for k in range(count)]
    laid_over = LaidOver.named(lora, concept)
    if sampler == "lcm":
        laid_over = laid_over.with_student(checkpoint)
        if steps is None and laid_over.student_steps:
            requests = [replace(request, steps=laid_over.student_steps) for request in requests]
    materials = Materials.check(checkpoint, device, precision, laid_over)
    if not any_artist:
        condition = replace(first.condition, artist=materials.resolve_artist(first.condition.artist))
        requests = [replace(request, condition=condition) for request in requests]
    sides = {"width": asked_width or materials.side, "height": asked_height or materials.side}
    requests = [replace(request, **sides) for request in requests]
    requests = enrichment.apply(requests)
    stem = slug(prompt if prompt.strip() else requests[0].condition.text())
    output = Output.at(out, stem, count, overwrite)
    paint_to_files(requests, output, materials, batch=batch, preview_every=preview_every, as_json=as_json)
