"""`impasto train pocket`: the whole of pocket from a catalogue, or a folder to train it elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto.cli.console import say
from impasto.cli.training_run import check_request, training_run
from impasto.errors import UsageError


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
    decoder: Annotated[bool, typer.Option(help="Also a decoder for pictures of twice the size.")] = True,
    size: Annotated[int, typer.Option(help="Pixels of a side.")] = 128,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 64,
    optimizer: Annotated[Literal["adamw", "muon"], typer.Option(help="Of the denoiser.")] = "adamw",
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
    if pack is not None and unpack is not None:
        raise UsageError("--pack and --unpack: give one of them")
    if unpack is not None:
        if not unpack.is_dir():
            raise UsageError(f"--unpack {unpack}: there is no such folder")
        with training_run(context, "pocket", out, seed, minutes=minutes) as run:
            from impasto.training.pocket.pack.begin import unpack as make_run

            made = make_run(unpack, run.path)
        say(made)
        return
    if catalogue is None:
        raise UsageError("--catalogue is missing: give a folder of pictures")
    if pack is not None:
        check_request(catalogue, minutes, seed)
        from impasto.training.pocket.pack.write import write_pack

        report = write_pack(catalogue, pack, size=size, count=count)
        say(f"{report.folder}: {report.pictures} pictures in quality {report.quality}, {report.bytes / 1e6:.1f} MB")
        return
    with training_run(context, "pocket", out, seed, minutes=minutes, catalogue=catalogue) as run:
        from dataclasses import replace

        from impasto.training.distributed.shared_cores import SharedCores
        from impasto.training.pocket.choices import PocketChoices
        from impasto.training.pocket.machine import find_machine
        from impasto.training.pocket.pack.begin import choices_to_go_on
        from impasto.training.pocket.phases import PocketRequest, train_phases

        machine = find_machine(device, precision)
        fast = machine.device.type == "cuda"
        choices = replace(
            PocketChoices(), batch=batch, optimizer=optimizer, compiled=fast if compiled is None else compiled
        )
        request = PocketRequest(
            catalogue, minutes, size=size, seed=seed, autoencoder=autoencoder, decoder=decoder,
            choices=choices_to_go_on(run.path, choices),
        )  # fmt: skip
        should_stop = SharedCores(run.should_stop) if machine.device.type == "cpu" else run.should_stop
        made = train_phases(request, run.path, machine, should_stop=should_stop, on_progress=run.on_progress)
    say(made)
