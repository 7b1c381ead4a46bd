"""`impasto upscale`: enlarges pictures to two or four times their width and height."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone


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
    from impasto.jobs.painting.upscale import UpscaleJob

    def tell(done: "PictureDone") -> None:
        if as_json:
            facts = dict(done.figures)
            found = {"file": done.path, "from": facts.pop("source"), **facts}
            say_json({**found, "seconds": round(done.seconds, 2)}, indent=None)
        else:
            say(done.path)

    run_job(
        UpscaleJob(pictures=tuple(pictures), by=by, model=model, out=out, tile=tile, device=device),
        begin="upscaling",
        on_picture=tell,
    )
