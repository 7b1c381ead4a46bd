"""`impasto data review`: keyboard review. Each decision is saved immediately; the same command resumes after a stop."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from impasto.cli.console import say, say_facts, say_note
from impasto.errors import StoppedError, UsageError
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.data.annotations.review import ReviewItem, ReviewSession

_KEYS = "a accept, e edit, r reject, u undo, s skip, q quit"


def review(
    catalogue: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="CATALOGUE")],
    order: Annotated[
        Literal["similarity", "name", "random"], typer.Option(help="The least similar first, by name, or at random.")
    ] = "similarity",
    only: Annotated[
        Literal["unreviewed", "filtered", "all"],
        typer.Option(help="What nobody decided about, what the filter dropped and nobody decided about, or all."),
    ] = "unreviewed",
    open_viewer: Annotated[bool, typer.Option("--open", help="Open each picture in the system's viewer too.")] = False,
) -> None:
    """Look at pictures and captions one by one: a accept, e edit, r reject, u undo, s skip, q quit."""
    if address_of(catalogue) is None and not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    from impasto.data.annotations.review import ReviewSession

    session = ReviewSession(catalogue, order=order, only=only)
    for skipped in (*session.report.warnings, *session.report.skipped):
        say_note(f"{skipped.file_name}: {skipped.reason}")
    told = len(session.report.skipped)
    try:
        while True:
            if session.current is not None:
                _present(session.current, session.waiting, open_viewer)
            else:
                say_note("nothing is left to review: u takes back the last decision, q quits")
            if not _act(session):
                break
            for skipped in session.report.skipped[told:]:
                say_note(f"{skipped.file_name}: {skipped.reason}")
            told = len(session.report.skipped)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: {_summary(session)}, all kept") from None
    say(_summary(session))


def _present(item: "ReviewItem", waiting: int, open_viewer: bool) -> None:
    from impasto.cli.terminal_picture import open_in_viewer, show_picture

    show_picture(item.entry.file)
    if open_viewer:
        open_in_viewer(item.entry.file)
    entry, verdict = item.entry, item.verdict
    said = "" if verdict is None else "rejected" if verdict.rejected else "edited" if verdict.edited else "accepted"
    say_facts(
        [
            ("picture", f"{entry.file_name} ({waiting} waiting)"),
            ("artist", entry.artist),
            ("title", entry.title + (f" ({entry.year})" if entry.year is not None else "")),
            ("tags", ", ".join(item.tags)),
            ("caption", item.caption or "(none)"),
            ("similarity", "" if item.similarity is None else f"{item.similarity:.3f}"),
            ("filter", item.dropped),
            ("before", said),
        ]
    )


def _act(session: "ReviewSession") -> bool:
    """Reads keys until one moves on to the next picture; returns False to quit."""
    from impasto.cli.keyboard import read_key

    while (key := read_key()) not in ("q", ""):
        try:
            if key == "a":
                session.accept()
            elif key == "r":
                session.reject()
            elif key == "s":
                session.skip()
            elif key == "e":
                _edit(session)
            elif key != "u":
                raise UsageError(_KEYS)
            elif not session.undo():
                raise UsageError("there is nothing to undo")
            return True
        except UsageError as error:
            say_note(error)
    return False


def _edit(session: "ReviewSession") -> None:
    from impasto.cli.keyboard import edit_line

    text = edit_line("caption: ", session.current.caption if session.current is not None else "")
    if text is None:
        raise UsageError("the caption stays as it is")
    session.edit(text)


def _summary(session: "ReviewSession") -> str:
    count = session.count
    return f"{count.accepted} accepted, {count.edited} edited, {count.rejected} rejected, {session.waiting} waiting"
