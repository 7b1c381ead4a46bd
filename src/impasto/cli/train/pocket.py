"""`impasto train pocket`: trains all parts of pocket on a catalogue, or writes a folder for training elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto.cli.console import say
from impasto.cli.train.run import run_verb


def pocket(
    context: typer.Context,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="A folder of pictures with metadata.jsonl or .csv, or artist/picture.jpg.", metavar="DIR"),
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="Of all phases together, all restarts too; more of them go on from the plateau.")
    ] = 240.0,
    out: Annotated[Path | None, typer.Option("--run", "--out", help="The run's folder.", metavar="RUN")] = None,
    autoencoder: Annotated[
        Path | None, typer.Option(help="A trained autoencoder's folder, in place of training one.", metavar="DIR")
    ] = None,
    begin_from: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="CHECKPOINT",
            help="Begin a new run with the weights of this pocket; with --autoencoder, carried over to its latents.",
        ),
    ] = None,
    decoder: Annotated[bool, typer.Option(help="Also a decoder for pictures of twice the size.")] = True,
    size: Annotated[int, typer.Option(help="Pixels of a side.")] = 128,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 64,
    optimizer: Annotated[Literal["adamw", "muon"], typer.Option(help="Of the denoiser.")] = "adamw",
    small_first: Annotated[
        float, typer.Option(help="Share of the denoiser's minutes, 0 to 0.9, on pictures of half the side: layout first.")
    ] = 0.0,
    compiled: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Compile the denoiser's step; on CUDA if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="What products are computed in; weights stay fp32.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Of the run's random numbers.")] = 0,
    pack: Annotated[
        Path | None, typer.Option(help="Write a folder that trains where neither network nor diffusers is.", metavar="DIR")
    ] = None,
    count: Annotated[int | None, typer.Option(help="With --pack: of so many pictures.")] = None,
    unpack: Annotated[
        Path | None, typer.Option(help="Make a run of what a pack's train.py wrote.", metavar="OUT")
    ] = None,
) -> None:
    """Train pocket: autoencoder, denoiser with its memory, and decoder. Each phase goes on where it was."""
    report = run_verb(context)
    if pack is not None:
        say(f"{report.folder}: {report.pictures} pictures in quality {report.quality}, {report.bytes / 1e6:.1f} MB")
