"""`impasto data caption`: writes captions for the pictures of a catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.fleet_options import with_fleet
from impasto.cli.run_job import run_job


@with_fleet
def caption(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    captioner: Annotated[
        str | None,
        typer.Option(
            help="pocket, tag2text, blip, blip2, git, florence2; or a model's file, folder or hub name.", metavar="NAME|PATH"
        ),
    ] = None,
    tagger: Annotated[
        str | None,
        typer.Option(
            help="Whose tags the captioner is told, as for `data tag`; pocket's, or Tag2Text's own.", metavar="NAME|PATH"
        ),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="What picks among candidates: pocket, clip, siglip, or a folder or hub name.", metavar="NAME|DIR"),
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, max=24, help="Captions to choose from, for each picture.")] = 3,
    all_pictures: Annotated[
        bool, typer.Option("--all", help="Also pictures that have a text already, which still goes before.")
    ] = False,
    most: Annotated[int | None, typer.Option(min=1, help="End after so many pictures.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn; the same seed gives the same captions.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Caption every picture that has no text yet; killed and run again it goes on."""
    from impasto.jobs.data.caption import Captioned, CaptionJob

    job = CaptionJob(
        catalogue=catalogue, captioner=captioner, tagger=tagger, scorer=scorer, candidates=candidates,
        all_pictures=all_pictures, most=most, seed=seed,
    )  # fmt: skip
    captioned: Captioned = run_job(job, begin="captioning")
    outcome = captioned.outcome
    figures = {
        "captioned": outcome.captioned, "known": outcome.known, "contradicted": outcome.contradicted,
        "from_tags": outcome.from_tags, "captioner": captioned.captioner, "tagger": captioned.tagger,
    }  # fmt: skip
    if as_json:
        say_json(figures)
        return
    say(
        f"{outcome.captioned} pictures captioned by {captioned.captioner}, told the tags of {captioned.tagger}, "
        f"{outcome.known} had been; "
        f"{outcome.contradicted} candidates contradicted the tags, {outcome.from_tags} captions are the tags themselves"
    )
