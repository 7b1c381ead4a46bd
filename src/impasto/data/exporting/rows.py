"""The rows that an export writes, one for each picture; they are the same in every format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from impasto.data.annotations.decisions import ReviewOutcome
from impasto.data.annotations.log import content_of
from impasto.data.annotations.merged import Annotations
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError


@dataclass(frozen=True)
class ExportRow:
    """One picture that is neither rejected nor dropped, with its metadata and annotations merged.

    Attributes:
        name: the picture's path within the catalogue, with slashes.
        content: SHA-256 of its bytes, hexadecimal.
        reviewed: the decision of a human reviewer: "accepted", "edited" or "".
    """

    entry: CatalogueEntry
    name: str
    content: str
    reviewed: str

    def columns(self) -> dict[str, Any]:
        """Returns the metadata columns; the catalogue's additional columns come last."""
        entry = self.entry
        known = {
            "file_name": self.name, "artist": entry.artist, "title": entry.title, "year": entry.year, "style": entry.style,
            "genre": entry.genre, "text": entry.caption, "tags": list(entry.tags), "reviewed": self.reviewed,
            "content": self.content,
        }  # fmt: skip
        if entry.variants:
            known["captions"] = [entry.caption, *entry.variants]
        if entry.repeats > 1:
            known["repeats"] = entry.repeats
        return known | {column: value for column, value in entry.extra.items() if column not in known}


@dataclass
class ExportRows:
    """The rows in the order of the catalogue, and a report of what is left out."""

    rows: list[ExportRow]
    report: CatalogueReport

    def with_bytes(self, rows: Sequence[ExportRow]) -> Iterator[tuple[ExportRow, bytes]]:
        """Yields `rows` with the bytes of their files. A file that cannot be read is reported and left out."""
        for row in rows:
            try:
                data = row.entry.file.read_bytes()
            except OSError as error:
                self.report.skipped.append(Skipped(row.name, f"cannot be read: {error.strerror}"))
                continue
            yield row, data


def read_export_rows(
    folder: Path, *, check_images: bool = True, on_progress: Callable[[int, int], None] | None = None
) -> ExportRows:
    """Reads the rows of a catalogue that can be exported.

    With `check_images`, broken pictures and duplicates are left out. `on_progress` is called with (done, total).

    Raises:
        ImpastoError: the catalogue cannot be read, or no usable entry is left.
    """
    catalogue = read_catalogue(folder, check_images=check_images, on_progress=on_progress)
    rows = []
    for entry, known in zip(catalogue.entries, Annotations(folder).of(catalogue.entries), strict=True):
        try:
            content = content_of(entry.file)
        except ImpastoError as error:
            catalogue.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
            continue
        name = PurePosixPath(entry.file_name.replace("\\", "/")).as_posix()
        rows.append(ExportRow(entry, name, content, _reviewed(known.verdict)))
    return ExportRows(rows, catalogue.report)


def _reviewed(verdict: ReviewOutcome | None) -> str:
    if verdict is None:
        return ""
    return "edited" if verdict.edited else "accepted"
