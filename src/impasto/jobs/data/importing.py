"""The job `import`: imports WikiArt in any of its formats, or a folder of pictures, into a catalogue."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_number

if TYPE_CHECKING:
    from impasto.data.importing.importer import ImportSummary
    from impasto.data.importing.source import Source


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes:
        catalogue: the catalogue's folder.
        summary: the counts of the import.
        report: the file that lists each picture that was not imported or was changed.
        seconds: seconds that the import took.
    """

    catalogue: Path
    summary: "ImportSummary"
    report: Path
    seconds: float


class ImportJob(Job):
    """Imports pictures into a catalogue. After a stop, running it again resumes the import.

    Attributes:
        source: the folder with the pictures, or with archives or parquet files that hold them.
        out: the catalogue, a new one or one to add to.
        source_kind: "wikiart", or "folder" for any folder of pictures, with captions and metadata in any usual layout.
        lists: for WikiArt, the folder of ArtGAN's lists; None searches them beside the pictures.
        shape: for WikiArt, the format of the source; "auto" detects it.
        artist, style, genre: for a folder, the values of pictures whose metadata has none.
        images: "link" makes hard links if the file system supports them; "copy" makes copies.
        max_side: limit of the longer side in pixels, 64 to 16384; larger pictures are resized. None keeps all sizes.
        workers: number of processes, 1 to 256; None for the number of cores.
    """

    kind: ClassVar[str] = "import"

    source: Path
    out: Path
    source_kind: Literal["wikiart", "folder"]
    lists: Path | None = None
    shape: Literal["auto", "tree", "lists", "parquet"] = "auto"
    artist: str = ""
    style: str = ""
    genre: str = ""
    images: Literal["link", "copy"] = "link"
    max_side: int | None = None
    workers: int | None = None

    @model_validator(mode="after")
    def _check(self) -> "ImportJob":
        check_number("--max-side", self.max_side, 64, 16384)
        check_number("--workers", self.workers, 1, 256)
        if self.source_kind == "folder" and (self.lists is not None or self.shape != "auto"):
            raise UsageError("lists and shape are for WikiArt: leave them out for a folder of pictures")
        if self.source_kind == "wikiart" and (self.artist or self.style or self.genre):
            raise UsageError("artist, style and genre are for a folder of pictures: leave them out for WikiArt")
        return self

    def run(self, context: Context) -> Imported:
        """Reads the pictures, leaves out duplicates, and adds the others to the catalogue.

        Raises:
            UsageError: the source does not exist or has another format; the catalogue is no folder, or is the source.
            MissingPart: imagehash or pyarrow is not installed.
            ImpastoError: nothing of the source can be used, or its metadata cannot be read.
            StoppedError: the job was stopped.
        """
        source = self._open()
        from impasto.data.importing.importer import REPORT, ImportChoices, import_pictures

        begun = time.monotonic()
        try:
            summary = import_pictures(
                source,
                self.out,
                ImportChoices(self.images, self.max_side, self.workers),
                lambda stage, done: context.progress(f"{stage}: {done} pictures", pictures=done),
            )
        except KeyboardInterrupt:
            raise StoppedError(f"stopped: run the same command again to go on from what is kept in {self.out}") from None
        report = self.out / REPORT
        for note in summary.notes:
            context.note(note)
        if summary.refused or summary.duplicates or summary.remarks or summary.not_taken or summary.opted_out:
            context.note(f"{report} names each picture that was not taken or changed")
        return Imported(self.out, summary, report, time.monotonic() - begun)

    def _open(self) -> "Source":
        """Checks that all required folders exist, and opens the source."""
        if not self.source.exists():
            raise UsageError(f"{self.source}: there is no such folder")
        if self.out.exists() and not self.out.is_dir():
            raise UsageError(f"--out {self.out} is not a folder")
        if self.out.resolve() == self.source.resolve():
            raise UsageError(f"--out {self.out} is the source itself: use another folder")
        if self.source_kind == "wikiart":
            if self.lists is not None and not self.lists.is_dir():
                raise UsageError(f"--lists {self.lists}: there is no such folder")
            from impasto.data.importing.open_wikiart import open_wikiart

            return open_wikiart(self.source, self.lists, self.shape, leave_out=self.out)
        if not self.source.is_dir():
            raise UsageError(f"{self.source} is not a folder")
        from impasto.data.importing.folder import FolderSource

        given = {"artist": self.artist.strip(), "style": self.style.strip(), "genre": self.genre.strip()}
        defaults = {column: value for column, value in given.items() if value}
        return FolderSource(self.source, defaults, leave_out=self.out)
