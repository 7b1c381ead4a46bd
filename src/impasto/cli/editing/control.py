"""`impasto control`: control maps for painting along the lines of a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.events import PictureDone

control = typer.Typer(help="Control maps: edges, strokes, colours or depth of a picture, for `impasto paint --control`.")


@control.command("map")
def control_map(
    condition: Annotated[
        str, typer.Argument(help="What to make: canny, hed, ...; `impasto control kinds` lists them.", metavar="KIND")
    ],
    pictures: Annotated[list[Path], typer.Argument(help="Pictures.", metavar="PICTURE...")],
    from_drawing: Annotated[
        bool, typer.Option("--from-drawing", help="They are drawings by hand: their strokes are the map.")
    ] = False,
    side: Annotated[int | None, typer.Option(help="Reduce larger ones to this shorter side first.", metavar="PX")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder, or one FILE.png; beside each picture if not given.", metavar="PATH")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each map.")] = False,
) -> None:
    """Make the map of pictures: PNG files of their size, white strokes on black."""
    from impasto.jobs.editing.control_map import ControlMapJob

    def tell(done: "PictureDone") -> None:
        if as_json:
            told = {"from": done.figures["source"], "condition": done.figures["condition"]}
            say_json({"file": done.path, **told}, indent=None)
        else:
            say(done.path)

    job = ControlMapJob(
        condition=condition, pictures=tuple(pictures), from_drawing=from_drawing, side=side, out=out, overwrite=overwrite
    )
    run_job(job, begin="making maps", on_picture=tell)


@control.command("kinds")
def kinds() -> None:
    """List the kinds of maps."""
    from impasto.vision.control_maps.makers import MAKERS

    for spec in MAKERS.values():
        settings = "".join(f"[:{name.upper()}]" for name in spec.settings)
        say(f"{spec.name + settings + ('@FOLDER' if spec.network else ''):28} {spec.what}")


@control.callback(invoke_without_command=True)
def _control(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
