"""`impasto data tag`: tags the content of each picture with a fixed vocabulary."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json, say_table
from impasto.cli.fleet_options import with_fleet
from impasto.cli.run_job import run_job


@with_fleet
def tag(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    tagger: Annotated[
        str | None,
        typer.Option(
            help="pocket, zero-shot, ram, ram++, tag2text; the file of one of these; or a classifier's folder or hub name.",
            metavar="NAME|PATH",
        ),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="What compares pictures with tags, zero-shot: as for `data filter`.", metavar="NAME|DIR"),
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Tags of your own, one a line, in place of ours.", metavar="FILE")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option(help="One probability from which on tags are given, not each tag's own.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Tags of a picture at most.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Tag every picture that has no tags yet; killed and run again it goes on."""
    from impasto.jobs.data.tag import Tagged, TagJob

    job = TagJob(catalogue=catalogue, tagger=tagger, scorer=scorer, vocabulary=vocabulary, at_least=at_least, most=most)
    tagged: Tagged = run_job(job, begin="tagging")
    outcome = tagged.outcome
    counts = sorted(outcome.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if as_json:
        say_json({"tagged": outcome.tagged, "known": outcome.known, "tags": dict(counts)})
        return
    say_table(("tag", "pictures"), [(name, str(count)) for name, count in counts[:20]])
    say(f"{outcome.tagged} pictures tagged by {tagged.tagger}, {outcome.known} had been, {len(counts)} different tags")
