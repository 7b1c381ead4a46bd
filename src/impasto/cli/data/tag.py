"""`impasto data tag`: what is to be seen in each picture, from a fixed vocabulary."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import progress_bar, say, say_json, say_note, say_table
from impasto.errors import StoppedError, UsageError


def tag(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    tagger: Annotated[
        str | None,
        typer.Option(help="pocket, `zero-shot`, or a multi-label classifier (RAM's class).", metavar="NAME|DIR"),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="What compares pictures with tags, zero-shot: pocket, or CLIP's folder.", metavar="NAME|DIR"),
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
    if not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    if tagger not in (None, "zero-shot") and (scorer is not None or vocabulary is not None):
        raise UsageError("--tagger brings its own tags: leave out --scorer and --vocabulary")
    from impasto.data.annotations.tag_vocabulary import tag_vocabulary
    from impasto.data.annotations.tagging import tag_catalogue
    from impasto.vision.taggers.load import load_tagger, zero_shot_tagger

    if tagger == "zero-shot" or scorer is not None or vocabulary is not None:
        chosen = zero_shot_tagger([tag.name for tag in tag_vocabulary(vocabulary)], scorer)
    else:
        chosen = load_tagger(tagger)
    try:
        with progress_bar("tagging", 1.0) as update:
            outcome = tag_catalogue(
                catalogue,
                chosen,
                at_least=at_least,
                most=most,
                on_progress=lambda done, of: update(f"{done} of {of} pictures", done / of),
            )
    except KeyboardInterrupt:
        raise StoppedError("stopped: run the same command again to go on; what was tagged is kept") from None
    for skipped in (*outcome.report.warnings, *outcome.report.skipped):
        say_note(f"{skipped.file_name}: {skipped.reason}")
    counts = sorted(outcome.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if as_json:
        say_json({"tagged": outcome.tagged, "known": outcome.known, "tags": dict(counts)})
        return
    say_table(("tag", "pictures"), [(name, str(count)) for name, count in counts[:20]])
    say(f"{outcome.tagged} pictures tagged by {chosen.name}, {outcome.known} had been, {len(counts)} different tags")
