"""`impasto data caption`: what each picture shows, in words."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import progress_bar, say, say_json, say_note
from impasto.errors import StoppedError, UsageError


def caption(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    captioner: Annotated[
        str | None,
        typer.Option(help="pocket; blip, blip2, git, florence2; or a model's folder or hub name.", metavar="NAME|DIR"),
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="What picks among candidates: pocket, or a folder with CLIP.", metavar="NAME|DIR")
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
    if not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    from impasto.data.annotations.captioning import caption_catalogue
    from impasto.data.annotations.tag_vocabulary import tag_vocabulary
    from impasto.vision.captioners.load import load_captioner
    from impasto.vision.scorers.interface import load_scorer
    from impasto.vision.taggers.pocket import PocketTagger

    writer = load_captioner(captioner)
    try:
        with progress_bar("captioning", 1.0) as update:
            outcome = caption_catalogue(
                catalogue,
                writer,
                PocketTagger(),
                load_scorer(scorer),
                tag_vocabulary(),
                candidates=candidates,
                seed=seed,
                all_pictures=all_pictures,
                most=most,
                on_progress=lambda done, of: update(f"{done} of {of} pictures", done / of),
            )
    except KeyboardInterrupt:
        raise StoppedError("stopped: run the same command again to go on; what was captioned is kept") from None
    for skipped in (*outcome.report.warnings, *outcome.report.skipped):
        say_note(f"{skipped.file_name}: {skipped.reason}")
    figures = {
        "captioned": outcome.captioned, "known": outcome.known, "contradicted": outcome.contradicted,
        "from_tags": outcome.from_tags,
    }  # fmt: skip
    if as_json:
        say_json(figures)
        return
    say(
        f"{outcome.captioned} pictures captioned by {writer.name}, {outcome.known} had been; {outcome.contradicted} "
        f"candidates contradicted the tags, {outcome.from_tags} captions are the tags themselves"
    )
