"""`impasto attention`: shows where the words of a painting's prompt acted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say
from impasto.cli.painting.paint import Overwrite
from impasto.cli.painting.picture_options import Device
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone


def attention(
    file: Annotated[Path, typer.Argument(help="A painting of impasto's.", metavar="PICTURE")],
    word: Annotated[
        list[str] | None, typer.Option(help="Words of its prompt; may be repeated.", show_default="all", metavar="WORDS")
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(show_default="the recorded", metavar="NAME")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder, or FILE.png.", show_default="the picture's folder")] = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
) -> None:
    """Show where words acted in a painting: a sheet with heat over the picture for each word."""
    from impasto.jobs.editing.attention import AttentionJob

    def tell(done: "PictureDone") -> None:
        say(done.path)

    job = AttentionJob(
        file=file, word=tuple(word or ()), checkpoint=checkpoint, out=out, overwrite=overwrite, device=device
    )
    made = run_job(job, on_picture=tell)
    for one in made or ():
        say(f"{one.word}  {one.contrast:.1f} times its mean at its best place")
