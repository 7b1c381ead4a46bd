"""`impasto search`: a catalogue's pictures by words, or by a picture."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import progress_bar, say_json, say_note, say_table
from impasto.errors import StoppedError, UsageError


def search(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    words: Annotated[str | None, typer.Argument(help='What to find, for instance "boats in a storm".')] = None,
    like: Annotated[Path | None, typer.Option(help="Find pictures like this one.", metavar="PICTURE")] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 10,
    scorer: Annotated[
        str | None, typer.Option(help="What compares: pocket, or a folder with CLIP.", metavar="NAME|DIR")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find pictures by words or by a picture, the likest first."""
    if not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    if (words is None) == (like is None):
        raise UsageError("say what to find: words, or a picture with --like")
    from impasto.data.catalogue.entry import CatalogueReport
    from impasto.data.catalogue.pictures import open_picture
    from impasto.data.search import search_catalogue
    from impasto.vision.scorers.interface import load_scorer

    question = words if words is not None else open_picture(like or Path())
    report = CatalogueReport()
    try:
        with progress_bar("looking at pictures", 1.0) as update:
            found = search_catalogue(
                catalogue,
                question,
                load_scorer(scorer),
                count=count,
                report=report,
                on_progress=lambda done, of: update(f"{done} of {of} pictures", done / of),
            )
    except KeyboardInterrupt:
        raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
    if as_json:
        say_json([
            {"file_name": f.entry.file_name, "similarity": round(f.similarity, 4), "artist": f.entry.artist,
             "title": f.entry.title, "caption": f.entry.caption}
            for f in found
        ])  # fmt: skip
        return
    say_table(
        ("similarity", "picture", "artist", "title"),
        [(f"{f.similarity:.3f}", f.entry.file_name, f.entry.artist, f.entry.title) for f in found],
    )
    for skipped in report.skipped[:5]:
        say_note(f"{skipped.file_name}: {skipped.reason}")
    if len(report.skipped) > 5:
        say_note(f"{len(report.skipped)} pictures are not used in all")
