"""The rows that an export writes, one for each picture; they are the same in every format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from impasto.data.annotations.decisions import ReviewOutcome
from impasto.data.annotations.log import content_of
from impasto.data.annotations.merged import Annotations
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import Catalogue, catalogue_parts
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


class ExportRows:
    """The rows of a catalogue that can be exported, in its order; read as they are asked for, once.

    Attributes:
        report: what is left out, as far as the rows were read.
        of: the number of pictures of the catalogue, as far as it is known.
    """

    def __init__(self, parts: Iterator[Catalogue]) -> None:
        self._parts = parts
        self.report = CatalogueReport()
        self.of = 0
        self._ready: Sequence[ExportRow] = ()

    @classmethod
    def of_rows(cls, rows: Sequence[ExportRow]) -> "ExportRows":
        """Returns rows that are already there."""
        made = cls(iter(()))
        made._ready, made.of = rows, len(rows)
        return made

    def __iter__(self) -> Iterator[ExportRow]:
        yield from self._ready
        for part in self._parts:
            self.report.add(part.report)
            self.of = max(part.of, part.start + len(part.entries))
            for entry, known in zip(part.entries, Annotations(part.home).of(part.entries), strict=True):
                try:
                    content = content_of(entry.file)
                except ImpastoError as error:
                    self.report.skipped.append(Skipped(entry.file_name, str(error).removeprefix(f"{entry.file} ")))
                    continue
                name = PurePosixPath(entry.file_name.replace("\\", "/")).as_posix()
                yield ExportRow(entry, name, content, _reviewed(known.verdict))

    def with_bytes(self) -> Iterator[tuple[ExportRow, bytes]]:
        """Yields the rows with the bytes of their files. A file that cannot be read is reported and left out."""
        for row in self:
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

    With `check_images`, broken pictures and duplicates are left out. `on_progress` is called with (done, total). Iterating
    raises ImpastoError if the catalogue cannot be read, or no usable entry is left.
    """
    return ExportRows(catalogue_parts(folder, check_images=check_images, on_progress=on_progress))


def _reviewed(verdict: ReviewOutcome | None) -> str:
    if verdict is None:
        return ""
    return "edited" if verdict.edited else "accepted"
