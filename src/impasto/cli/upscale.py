"""`impasto upscale`: pictures two or four times as wide and high."""

import time
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import StoppedError, progress_bar, say, say_error, say_json
from impasto.cli.output import check_writable
from impasto.errors import ImpastoError, UsageError


def upscale(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG, WebP, TIFF, GIF, BMP.", metavar="PICTURE...")],
    by: Annotated[int, typer.Option(help="2 or 4 times as wide and high.")] = 2,
    model: Annotated[
        str | None,
        typer.Option(
            help="Weights in Real-ESRGAN's compact layout (.pth, .safetensors), a run, or a name; ours if not given.",
            metavar="FILE|NAME",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; beside each picture if not given.", metavar="DIR")] = None,
    tile: Annotated[
        int | None, typer.Option(help="Pixels of a tile's side; 0: the whole picture at once.", show_default="256")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each picture.")] = False,
) -> None:
    """Make pictures larger; a painting keeps its record. What cannot be read is named, and the others go on."""
    if out is not None:
        if out.is_file():
            raise UsageError(f"--out {out} is a file: give a folder")
        check_writable(out)
    from impasto.painting.upscaling.file import upscale_file
    from impasto.painting.upscaling.tiles import TILE, Upscaler, check_request

    side = TILE if tile is None else tile
    check_request(by, side)
    upscaler = Upscaler.load(model, device=device)
    failed = finished = 0
    try:
        with progress_bar("upscaling", float(len(pictures))) as update:
            for number, picture in enumerate(pictures):
                title = f"{picture.name} ({number + 1} of {len(pictures)})" if len(pictures) > 1 else picture.name

                def on_tile(done: int, of: int, title: str = title, number: int = number) -> None:
                    update(title, number + done / of)

                update(title, float(number))
                started = time.monotonic()
                try:
                    made = upscale_file(picture, upscaler, by, out=out, tile=side, on_progress=on_tile)
                except ImpastoError as error:
                    say_error(error)
                    failed += 1
                    continue
                finished += 1
                if as_json:
                    seconds = round(time.monotonic() - started, 2)
                    found = {"file": made.path, "from": picture, "width": made.width, "height": made.height}
                    say_json({**found, "by": by, "model": upscaler.name, "seconds": seconds}, indent=None)
                else:
                    say(made.path)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: {finished} of {len(pictures)} pictures are finished") from None
    if failed:
        raise ImpastoError(f"{failed} of {len(pictures)} pictures could not be upscaled")
