"""`impasto paint`: new pictures from a prompt."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.avoid_copies import CopyAvoidance, check_avoidance
from impasto.cli.easel import paint_to_files
from impasto.cli.output import Output
from impasto.cli.picture_options import PictureOptions, with_picture
from impasto.cli.training_pictures import USUAL_FEATURES, CopyFeatures
from impasto.errors import UsageError
from impasto.painting.file_names import slug

MOST_PICTURES = 10_000

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
    copy_features: CopyFeatures = USUAL_FEATURES,
    as_json: AsJson = False,
) -> None:
    """Paint one or more pictures."""
    if not 1 <= count <= MOST_PICTURES:
        raise UsageError(f"count {count}: use 1 to {MOST_PICTURES}")
    check_batch(batch)
    if preview_every < 0:
        raise UsageError(f"preview-every {preview_every}: use 0 (never) or more")
    repaints = check_avoidance(avoid_copies, copy_repaints)
    first = picture.check()
    replace(first, seed=first.seed + count - 1)  # the last seed has its range too
    materials = picture.materials()
    first = picture.complete(first, materials)
    requests = picture.enrichment.apply([replace(first, seed=first.seed + k) for k in range(count)])
    stem = slug(picture.prompt if picture.prompt.strip() else requests[0].condition.text())
    output = Output.at(out, stem, count, overwrite)
    avoidance = CopyAvoidance.prepare(avoid_copies, repaints, copy_features) if avoid_copies is not None else None
    paint_to_files(
        requests, output, materials, batch=batch, preview_every=preview_every, as_json=as_json, avoidance=avoidance
    )


def check_batch(batch: int | None) -> None:
    """Raises UsageError where so many pictures cannot be painted at once."""
    if batch is not None and batch < 1:
        raise UsageError(f"batch {batch}: use 1 or more")
