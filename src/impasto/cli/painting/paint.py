"""`impasto paint`: paints new pictures from a prompt."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.picture_options import CopyFeatures, PictureOptions, with_picture
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone

Overwrite = Annotated[bool, typer.Option("--overwrite", help="With --out FILE.png: replace that file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for each painting.")]
Batch = Annotated[int | None, typer.Option(help="How many to paint at once; as many as fit if not given.")]


@with_picture
def paint(
    *,
    picture: PictureOptions,
    count: Annotated[int, typer.Option("--count", "-n", help="How many; picture k has seed + k - 1.")] = 1,
    batch: Batch = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Annotated[Path, typer.Option(help="A folder, or one FILE.png.")] = Path("pictures"),
    overwrite: Overwrite = False,
    avoid_copies: Annotated[
        Path | None,
        typer.Option(
            help="Paint again what looks like one of these training pictures: a catalogue, or a copy index.",
            metavar="CATALOGUE|INDEX",
        ),
    ] = None,
    copy_repaints: Annotated[
        int | None, typer.Option(help="How often to paint one again, with the next free seed.", show_default="4")
    ] = None,
    copy_features: CopyFeatures = "efficientnet-lite2",
    as_json: AsJson = False,
) -> None:
    """Paint one or more pictures."""
    from impasto.jobs.painting.paint import PaintJob

    job = PaintJob(
        **picture.fields(), count=count, batch=batch, preview_every=preview_every, out=out, overwrite=overwrite,
        avoid_copies=avoid_copies, copy_repaints=copy_repaints, copy_features=copy_features,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)


def say_painting(done: "PictureDone") -> None:
    """Prints the file, its seed, and the seconds since painting began."""
    seed = done.provenance.seed if done.provenance is not None else ""
    say(f"{done.path}  seed {seed}  {done.seconds:.1f} s")


def say_painting_as_json(done: "PictureDone") -> None:
    """Prints the file, the seconds and the whole provenance record as one JSON object per line."""
    record = asdict(done.provenance) if done.provenance is not None else {}
    say_json({"file": done.path, "seconds": round(done.seconds, 2), **record}, indent=None)
