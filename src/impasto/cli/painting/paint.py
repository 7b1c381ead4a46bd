"""`impasto paint`: paints new pictures from a prompt."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.fleet_options import with_fleet
from impasto.cli.painting.batch_options import batch_of, lines_of
from impasto.cli.painting.picture_options import CopyFeatures, Flagged, PictureOptions, with_picture
from impasto.cli.painting.series_options import BestOf, ExpandCount, ExpandOriginal, KeepAll, Scorer, SheetFile
from impasto.cli.run_job import run_job
from impasto.errors import UsageError
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone

Overwrite = Annotated[bool, typer.Option("--overwrite", help="With --out FILE.png: replace that file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for each painting.")]
Batch = Annotated[int | None, typer.Option(help="How many to paint at once; as many as fit if not given.")]


@with_fleet
@with_picture
def paint(
    *,
    picture: PictureOptions,
    count: Annotated[
        int, typer.Option("--count", "-n", help="How many, of seed, seed + 1, ...; in a series, of each.")
    ] = 1,
    prompts: Annotated[
        Path | None, typer.Option(help="Paint each line of this file, --count of each.", metavar="FILE")
    ] = None,
    expand_count: ExpandCount = None,
    expand_original: ExpandOriginal = False,
    sheet: SheetFile = "",
    best_of: BestOf = 1,
    keep_all: KeepAll = False,
    scorer: Scorer = None,
    batch: Batch = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Annotated[Path, typer.Option(help="A folder, one FILE.png, or s3://BUCKET/FOLDER.")] = Path("pictures"),
    overwrite: Overwrite = False,
    safety_checker: Annotated[
        str,
        typer.Option(help="A model that flags pictures before they are saved: Stable Diffusion's, its folder; or off.",
                     metavar="FOLDER|off"),
    ] = "off",
    flagged: Flagged = "keep",
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
    """Paint one or more pictures, or a series: several extensions of the prompt by one or several artists, with a sheet."""
    from impasto.jobs.painting.paint import PaintJob

    lines = [] if prompts is None else lines_of(prompts, "--prompts")
    if lines:
        if picture.prompt:
            raise UsageError("give one PROMPT, or --prompts FILE with one on each line, not both")
        picture = replace(picture, prompt=lines[0])
    job = PaintJob(
        **picture.fields_for_several(), count=count, expand_count=expand_count, expand_original=expand_original,
        sheet=sheet, best_of=best_of, keep_all=keep_all, scorer=scorer, batch=batch, preview_every=preview_every, out=out,
        overwrite=overwrite, safety_checker=safety_checker, flagged=flagged, avoid_copies=avoid_copies,
        copy_repaints=copy_repaints, copy_features=copy_features,
    )  # fmt: skip
    job = batch_of(job, lines) if lines else job
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)


def say_painting(done: "PictureDone") -> None:
    """Prints the file, its seed, how it was chosen, and the seconds since painting began; or a sheet's file and size."""
    record = done.provenance
    if record is None:
        size = f"{len(done.figures['rows'])} x {len(done.figures['columns'])} pictures"
        say(f"{_shown(done.path)}  {size}  {done.seconds:.1f} s")
        return
    words = [f"seed {record.seed}"]
    if record.extension is not None:
        words.append(f"extension {record.extension.rank}")
    if record.best_of is not None:
        score = next(one.score for one in record.best_of.tried if one.seed == record.seed)
        words.append(f"score {score:.3f}, rank {record.best_of.rank(record.seed)} of {len(record.best_of.tried)}")
    say("  ".join([_shown(done.path), *words, f"{done.seconds:.1f} s"]))


def _shown(path: Path) -> str:
    return address_of(path) or str(path)


def say_painting_as_json(done: "PictureDone") -> None:
    """Prints the file, the seconds and the whole provenance record as one JSON object per line; of a sheet, its titles."""
    record = asdict(done.provenance) if done.provenance is not None else {"sheet": done.figures}
    say_json({"file": _shown(done.path), "seconds": round(done.seconds, 2), **record}, indent=None)
