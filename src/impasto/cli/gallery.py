"""`impasto gallery`: the index of what the queue painted."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import progress_bar, say, say_json, say_note, say_table
from impasto.cli.queue.opening import WorkspaceFolder, when
from impasto.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.gallery.index import Gallery

gallery_app = typer.Typer(help="Look through what the queue painted.", no_args_is_help=True)
Most = Annotated[int, typer.Option("--most", "-n", help="How many at most, 1 to 1000.")]
Ids = Annotated[list[str], typer.Argument(help="Ids of pictures.", metavar="ID...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for each picture.")]


def _open(folder: "Path | None") -> "Gallery":
    from impasto.gallery.index import Gallery
    from impasto.workspace import Workspace

    return Gallery.open(Workspace.open(folder))


@gallery_app.command("list")
def list_pictures(
    text: Annotated[str, typer.Option(help="Words of prompt, artist, style or checkpoint.")] = "",
    artist: Annotated[str, typer.Option(help="The artist's whole name.")] = "",
    checkpoint: Annotated[str, typer.Option(help="The checkpoint's name.")] = "",
    seed: Annotated[int | None, typer.Option(help="The seed.", min=0, max=2**63 - 1)] = None,
    starred: Annotated[bool, typer.Option("--starred", help="Only starred ones.")] = False,
    binned: Annotated[bool, typer.Option("--bin", help="Those in the bin.")] = False,
    most: Most = 60,
    workspace: WorkspaceFolder = None,
    as_json: AsJson = False,
) -> None:
    """List pictures, newest first."""
    from impasto.gallery.records import Filter

    wanted = Filter(text, artist, checkpoint, starred=starred, binned=binned, seed=seed)
    page = _open(workspace).page(wanted, most=most)
    if as_json:
        for one in page.entries:
            say_json(asdict(one), indent=None)
        return
    rows = [
        (one.id, when(one.made_at), "*" if one.starred else "", one.prompt, one.artist, one.name) for one in page.entries
    ]
    say_table(("picture", "made", "star", "prompt", "artist", "file"), rows)
    if page.next is not None:
        say_note(f"{len(page.entries)} of {page.total}: --most shows more")


@gallery_app.command()
def search(
    words: Annotated[str, typer.Argument(help="What the pictures show.")],
    most: Most = 20,
    workspace: WorkspaceFolder = None,
    as_json: AsJson = False,
) -> None:
    """Find pictures by what they show; new ones are looked at first."""
    from impasto.gallery.words import WordSearch
    from impasto.vision.scorers.interface import load_scorer

    finder = WordSearch(_open(workspace), load_scorer())
    with progress_bar("looking at new pictures", 1.0) as update:
        _, skipped = finder.embed(on_progress=lambda done, of: update("looking at new pictures", done / of))
    for reason in skipped:
        say_note(reason)
    for one in finder.find(words, most):
        if as_json:
            say_json({**asdict(one.entry), "similarity": one.similarity}, indent=None)
        else:
            say(f"{one.similarity:.3f}  {one.entry.id}  {one.entry.name}")


@gallery_app.command()
def star(
    pictures: Ids,
    off: Annotated[bool, typer.Option("--off", help="Take the stars away.")] = False,
    workspace: WorkspaceFolder = None,
) -> None:
    """Star pictures."""
    gallery = _open(workspace)
    for digits in pictures:
        say(f"{gallery.star(digits, not off).name} {'has no star' if off else 'is starred'}")


@gallery_app.command("bin")
def put_into_bin(pictures: Ids, workspace: WorkspaceFolder = None) -> None:
    """Put pictures into the bin; `restore` brings them back."""
    gallery = _open(workspace)
    for digits in pictures:
        say(f"{gallery.bin(digits).name} is in the bin")


@gallery_app.command()
def restore(pictures: Ids, workspace: WorkspaceFolder = None) -> None:
    """Bring pictures back from the bin."""
    gallery = _open(workspace)
    for digits in pictures:
        say(f"{gallery.restore(digits).name} is back")


@gallery_app.command("empty-bin")
def empty_bin(
    days: Annotated[float, typer.Option(help="Only what has been there for so many days.")] = 0.0,
    workspace: WorkspaceFolder = None,
) -> None:
    """Delete what is in the bin, for good."""
    if not days >= 0:
        raise UsageError(f"--days {days:g}: use 0 or more")
    say(f"{_open(workspace).empty_bin(days * 86400)} pictures deleted")


@gallery_app.command()
def rebuild(workspace: WorkspaceFolder = None) -> None:
    """Bring the index up to date with the files; it deletes nothing."""
    from impasto.gallery.scanning import rebuild as scan_files

    with progress_bar("reading pictures", 1.0) as update:
        scan = scan_files(_open(workspace), lambda done, of: update("reading pictures", done / max(of, 1)))
    for reason in scan.skipped:
        say_note(reason)
    say(f"{scan.added} pictures added, {scan.known} known, {scan.missing} missing")
