"""`impasto data instructions`: makes pairs of pictures with instructions, to train on."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.picture_options import Checkpoint, Device
from impasto.cli.run_job import run_job

_USUAL = "by the scorer"


def instructions(
    out: Annotated[Path, typer.Argument(help="The folder of pairs; one that was begun is continued.", metavar="DIR")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many pairs it holds in the end.")] = 100,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="Captions to paint.", metavar="CATALOGUE", show_default="scenes of its own"),
    ] = None,
    instruction: Annotated[
        list[str] | None,
        typer.Option(help="season, time, weather, light, colour, medium, style, hand, add or exchange; may be repeated.",
                     metavar="KIND", show_default="all"),
    ] = None,
    tries: Annotated[int, typer.Option(help="Edits of each picture, of which the best is kept, 1 to 16.")] = 4,
    checkpoint: Checkpoint = "pocket",
    scorer: Annotated[
        str | None, typer.Option(help="What judges the pairs: pocket, clip, or a folder.", metavar="NAME|DIR")
    ] = None,
    min_direction: Annotated[
        float | None, typer.Option(help="How far the picture must change as its text does, -1 to 1.", show_default=_USUAL)
    ] = None,
    min_likeness: Annotated[
        float | None, typer.Option(help="How alike its pictures must be, -1 to 1.", show_default=_USUAL)
    ] = None,
    min_fit: Annotated[
        float | None, typer.Option(help="How well each must fit its text, -1 to 1.", show_default=_USUAL)
    ] = None,
    sampler: Annotated[str | None, typer.Option(show_default="the checkpoint's, else dpm++")] = None,
    steps: Annotated[int | None, typer.Option(show_default="the checkpoint's, else 25")] = None,
    guidance: Annotated[float | None, typer.Option(show_default="the checkpoint's, else 5")] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make pairs of pictures with instructions by prompt-to-prompt, for `impasto train instruct` (Brooks et al. 2023)."""
    from impasto.jobs.data.instructions import InstructionsJob, MadePairs

    job = InstructionsJob(
        out=out, count=count, catalogue=catalogue, instruction=tuple(instruction or ()), tries=tries, checkpoint=checkpoint,
        scorer=scorer, min_direction=min_direction, min_likeness=min_likeness, min_fit=min_fit, sampler=sampler,
        steps=steps, guidance=guidance, seed=seed, device=device,
    )  # fmt: skip
    made: MadePairs = run_job(job, begin="loading")
    if as_json:
        say_json({**vars(made), "folder": str(made.folder)})
        return
    least = {"direction": made.direction, "likeness": made.likeness, "fit": made.fit}
    reasons = [f"{number} for {reason}{f' below {least[reason]:g}' if reason in least else ''}"
               for reason, number in made.refused.items()]  # fmt: skip
    refused = f", {sum(made.refused.values())} attempts refused ({', '.join(reasons)})" if reasons else ""
    say(f"{made.folder}: {made.kept} pairs, {made.new} of them new{refused}")
