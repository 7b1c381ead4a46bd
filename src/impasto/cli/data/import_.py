"""`impasto data import`: imports WikiArt in any of its formats, or a folder of pictures, into a catalogue."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.console import say_facts, say_note
from impasto.cli.data.progress_lines import progress_lines
from impasto.cli.run_job import run_job

if TYPE_CHECKING:
    from impasto.jobs.data.importing import Imported, ImportJob

imports = typer.Typer(help="Bring pictures into a catalogue; run again after a stop, it goes on.", no_args_is_help=True)


class Shape(StrEnum):
    """The formats in which WikiArt is distributed."""

    AUTO = "auto"
    TREE = "tree"
    LISTS = "lists"
    PARQUET = "parquet"


class Images(StrEnum):
    """How pictures are put into the catalogue."""

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
    from impasto.jobs.data.importing import ImportJob

    _import(ImportJob(
        source=source, out=out, source_kind="wikiart", lists=lists, shape=shape.value, images=images.value,
        max_side=max_side, workers=workers,
    ))  # fmt: skip


@imports.command()
def folder(
    source: Annotated[Path, typer.Argument(help="Pictures, archives or parquet; captions in tables or beside pictures.")],
    out: Out,
    artist: Annotated[str, typer.Option(help="Who painted what no metadata tells of.")] = "",
    style: Annotated[str, typer.Option(help="The style of what no metadata tells of.")] = "",
    genre: Annotated[str, typer.Option(help="The genre of what no metadata tells of.")] = "",
    images: How = Images.LINK,
    max_side: MaxSide = None,
    workers: Workers = None,
) -> None:
    """Import any folder of pictures."""
    from impasto.jobs.data.importing import ImportJob

    _import(ImportJob(
        source=source, out=out, source_kind="folder", artist=artist, style=style, genre=genre, images=images.value,
        max_side=max_side, workers=workers,
    ))  # fmt: skip


def _import(job: "ImportJob") -> None:
    """Runs `job` and prints the counts of the import; the note about the report comes last."""
    notes: list[str] = []
    imported: Imported = run_job(
        job, begin="looking", on_progress=progress_lines(lambda progress: progress.stage), on_note=notes.append
    )
    summary = imported.summary
    before = summary.taken - summary.new
    say_facts([
        ("catalogue", imported.catalogue),
        ("taken", f"{summary.taken}" + (f", {before} of them before" if before else "")),
        ("duplicates", summary.duplicates),
        ("refused", summary.refused),
        ("opted out", summary.opted_out or ""),
        ("not taken", summary.not_taken),
        ("renamed", summary.renamed),
        ("made smaller", summary.smaller),
        ("remarks", summary.remarks),
        ("seconds", f"{imported.seconds:.1f}"),
    ])  # fmt: skip
    for note in notes:
        say_note(note)
