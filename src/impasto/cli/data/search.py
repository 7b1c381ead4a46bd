"""`impasto search`: finds a catalogue's pictures by words or by a similar picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say_json, say_note, say_table
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.data.search import Found


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
    from impasto.jobs.data.search import SearchJob

    notes: list[str] = []
    found: list[Found] = run_job(
        SearchJob(catalogue=catalogue, words=words, like=like, count=count, scorer=scorer),
        begin="looking at pictures",
        on_note=notes.append,
    )
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
    for note in notes:
        say_note(note)
