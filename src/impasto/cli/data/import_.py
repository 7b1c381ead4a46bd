"""`impasto data import`: WikiArt in any of its shapes, or a folder of pictures, into a catalogue."""

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import progress_bar, say_facts, say_note
from impasto.errors import StoppedError, UsageError

if TYPE_CHECKING:
    from impasto.data.importing.importer import ImportSummary
    from impasto.data.importing.source import Source

imports = typer.Typer(help="Bring pictures into a catalogue; run again after a stop, it goes on.", no_args_is_help=True)
_REPORT_SECONDS = 30.0


class Shape(StrEnum):
    """How WikiArt travels."""

    AUTO = "auto"
    TREE = "tree"
    LISTS = "lists"
    PARQUET = "parquet"


class Images(StrEnum):
    """How pictures come into the catalogue."""

    LINK = "link"
    COPY = "copy"


Out = Annotated[Path, typer.Option(help="The catalogue: new, or one to add to.", metavar="DIR")]
How = Annotated[Images, typer.Option(help="Hard links where the file system can, or copies.")]
MaxSide = Annotated[
    int | None, typer.Option(min=64, max=16384, help="Encode pictures anew whose longer side has more pixels.")
]
Workers = Annotated[int | None, typer.Option(min=1, max=256, help="Processes; as many as cores if not given.")]


@imports.command()
def wikiart(
    source: Annotated[Path, typer.Argument(help="The archive's folder (Style/artist_title-1889.jpg) or the hub's parquet.")],
    out: Out,
    lists: Annotated[
        Path | None, typer.Option(help="ArtGAN's csv lists, where they are not beside the pictures.", metavar="DIR")
    ] = None,
    shape: Annotated[Shape, typer.Option(help="What SOURCE is, where it is not recognised.")] = Shape.AUTO,
    images: How = Images.LINK,
    max_side: MaxSide = None,
    workers: Workers = None,
) -> None:
    """Import WikiArt: its archive, the archive with ArtGAN's lists, or the hub's parquet files."""
    _check(source, out)
    if lists is not None and not lists.is_dir():
        raise UsageError(f"--lists {lists}: there is no such folder")
    from impasto.data.importing.open_wikiart import open_wikiart

    _import(open_wikiart(source, lists, shape.value, leave_out=out), out, images, max_side, workers)


@imports.command()
def folder(
    source: Annotated[Path, typer.Argument(help="Pictures, with metadata.jsonl or .csv, or as artist/picture.jpg.")],
    out: Out,
    artist: Annotated[str, typer.Option(help="Who painted what no metadata tells of.")] = "",
    style: Annotated[str, typer.Option(help="The style of what no metadata tells of.")] = "",
    genre: Annotated[str, typer.Option(help="The genre of what no metadata tells of.")] = "",
    images: How = Images.LINK,
    max_side: MaxSide = None,
    workers: Workers = None,
) -> None:
    """Import any folder of pictures."""
    _check(source, out)
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder")
    from impasto.data.importing.folder import FolderSource

    given = {"artist": artist.strip(), "style": style.strip(), "genre": genre.strip()}
    defaults = {column: value for column, value in given.items() if value}
    _import(FolderSource(source, defaults, leave_out=out), out, images, max_side, workers)


def _check(source: Path, out: Path) -> None:
    if not source.exists():
        raise UsageError(f"{source}: there is no such folder")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is not a folder")
    if out.resolve() == source.resolve():
        raise UsageError(f"--out {out} is the source itself: use another folder")


def _import(source: "Source", out: Path, images: Images, max_side: int | None, workers: int | None) -> None:
    from impasto.data.importing.importer import REPORT, ImportChoices, import_pictures

    begun = said = time.monotonic()
    try:
        with progress_bar("looking", 1.0) as update:

            def on_progress(stage: str, done: int) -> None:
                nonlocal said
                text = f"{stage}: {done} pictures"
                update(text, 0.0)
                if not sys.stderr.isatty() and time.monotonic() - said > _REPORT_SECONDS:
                    said = time.monotonic()
                    print(text, file=sys.stderr, flush=True)

            choices = ImportChoices("copy" if images is Images.COPY else "link", max_side, workers)
            summary = import_pictures(source, out, choices, on_progress)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped: run the same command again to go on from what is kept in {out}") from None
    _tell(summary, out, time.monotonic() - begun)
    if summary.refused or summary.duplicates or summary.remarks:
        say_note(f"{out / REPORT} names each picture that was not taken or changed")


def _tell(summary: "ImportSummary", out: Path, seconds: float) -> None:
    before = summary.taken - summary.new
    say_facts([
        ("catalogue", out),
        ("taken", f"{summary.taken}" + (f", {before} of them before" if before else "")),
        ("duplicates", summary.duplicates),
        ("refused", summary.refused),
        ("renamed", summary.renamed),
        ("made smaller", summary.smaller),
        ("remarks", summary.remarks),
        ("seconds", f"{seconds:.1f}"),
    ])  # fmt: skip
