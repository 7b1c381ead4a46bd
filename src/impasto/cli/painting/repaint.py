"""`impasto repaint`: paints a picture again from the provenance record in its file, with or without changes."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.painting.paint import AsJson, Overwrite, say_painting, say_painting_as_json
from impasto.cli.painting.picture_options import (
    MEMORY_HELP,
    AnyArtist,
    Device,
    EngineName,
    IntervalWords,
    LoraFolders,
    Precision,
    PromptSyntax,
)
from impasto.cli.run_job import run_job


def repaint(
    file: Annotated[Path, typer.Argument(help="A picture with its record inside.", metavar="FILE")],
    prompt: Annotated[str | None, typer.Option(help="Another prompt.")] = None,
    artist: Annotated[str | None, typer.Option(help="Another artist; '' for none.")] = None,
    any_artist: AnyArtist = False,
    year: Annotated[int | None, typer.Option(help="Another year.")] = None,
    style: Annotated[str | None, typer.Option(help="Another style.")] = None,
    genre: Annotated[str | None, typer.Option(help="Another genre.")] = None,
    negative: Annotated[str | None, typer.Option(help="Another negative prompt.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="Another sampler; to lcm or from it, with what is usual there.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Another number of steps.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Another guidance.")] = None,
    guider: Annotated[
        str | None,
        typer.Option(help="Another guider, with its usual guidance: cfg, interval, auto, domain, apg, cfg++, pag."),
    ] = None,
    guidance_interval: IntervalWords = None,
    eta: Annotated[float | None, typer.Option(help="Another eta.")] = None,
    size: Annotated[str | None, typer.Option(help="Another size: 128 or 192x128.", metavar="N|WxH")] = None,
    width: Annotated[int | None, typer.Option(help="Another width.")] = None,
    height: Annotated[int | None, typer.Option(help="Another height.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder, or FILE.png; FILE's own folder if not given.")
    ] = None,
    overwrite: Overwrite = False,
    checkpoint: Annotated[
        str | None, typer.Option(help="Another checkpoint than the recorded one.", metavar="NAME")
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(help="A LoRA in place of the recorded ones; '' for none; may be repeated.", metavar="PATH[:SCALE]"),
    ] = None,
    lora_folder: LoraFolders = None,
    prompt_syntax: PromptSyntax = "a1111",
    safety_checker: Annotated[
        str | None,
        typer.Option(help="A model that flags the picture; off undoes a recorded blur.", metavar="FOLDER|off"),
    ] = None,
    flagged: Annotated[str, typer.Option(help="What happens if it is flagged.", metavar="keep|blur")] = "keep",
    concept: Annotated[
        list[str] | None,
        typer.Option(help="A concept in place of the recorded ones; '' for none; may be repeated.", metavar="FILE"),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help=f"{MEMORY_HELP} '' for the checkpoint's.", metavar="CATALOGUE")
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(help="A picture to be like in place of the recorded ones; '' for none.", metavar="PICTURE[:WEIGHT]"),
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="Another strength, if it started from a picture.", metavar="0..1")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="What it started from, if that is elsewhere now: the folder, or the file.", metavar="DIR|FILE"),
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    engine: EngineName = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint a picture again, the same or with something changed."""
    from impasto.jobs.painting.repaint import RepaintJob

    job = RepaintJob(
        file=file, prompt=prompt, artist=artist, any_artist=any_artist, year=year, style=style, genre=genre,
        negative=negative, seed=seed, sampler=sampler, steps=steps, guidance=guidance, guider=guider,
        guidance_interval=guidance_interval, eta=eta, size=size, width=width, height=height, out=out,
        overwrite=overwrite, checkpoint=checkpoint, lora=_words(lora), lora_folder=tuple(lora_folder or ()),
        prompt_syntax=prompt_syntax, safety_checker=safety_checker, flagged=flagged, concept=_words(concept),
        memory=memory, like=_words(like), strength=strength, source=source, device=device, precision=precision,
        engine=engine,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)


def _words(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)
