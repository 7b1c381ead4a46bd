"""Imports the pictures of a source into a catalogue, without duplicates, and reports each decision.

The import makes two passes over the source, each of which can be killed at any moment. The first pass records the looks in
the journal. Duplicates are determined from all looks together, so the result is the same however often the import was
stopped. The second pass puts the pictures in place and appends their metadata rows, in the source's order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from impasto.data.annotations.opt_out import OptOutRules
from impasto.data.importing.appearances import read_appearances
from impasto.data.importing.decisions import Decisions, decide
from impasto.data.importing.journal import ImportJournal
from impasto.data.importing.metadata_log import MetadataLog
from impasto.data.importing.perceptual_hash import Appearance
from impasto.data.importing.picture_files import (
    FreeNames,
    How,
    PictureBytes,
    made_smaller,
    put_picture,
    smaller_name,
    with_suffix,
)
from impasto.data.importing.report import ImportReport
from impasto.data.importing.source import NotTaken, Refused, Source, SourcePicture
from impasto.data.worker_pool import in_order
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.files import sync_folder

REPORT = "import-report.jsonl"
_HERE = ""  # the source name of pictures that were in the catalogue before any import
_MOST_NOT_TAKEN = 1000  # files that are no pictures and are named; more are only counted
_ROWS = 64  # rows that are written to disk together
# called with (stage, pictures done)
OnProgress = Callable[[str, int], None]


@dataclass(frozen=True)
class ImportChoices:
    """Options of an import.

    Attributes:
        how: "link" makes hard links if the file system supports them, else copies.
        max_side: limit of the longer side in pixels; larger pictures are downscaled. None keeps all sizes.
        workers: number of processes; None for one per core.
    """

    how: How = "link"
    max_side: int | None = None
    workers: int | None = None


@dataclass
class ImportSummary:
    """The result of an import: each picture is counted in `taken`, `duplicates`, `refused` or `opted_out`.

    `new` counts the taken pictures that this run added. `renamed`, `smaller` and `remarks` count reports about pictures.
    `not_taken` counts files of the source that are no pictures. `notes` are sentences on the source as a whole.
    """

    taken: int = 0
    new: int = 0
    duplicates: int = 0
    refused: int = 0
    renamed: int = 0
    smaller: int = 0
    remarks: int = 0
    not_taken: int = 0
    opted_out: int = 0
    notes: list[str] = field(default_factory=list)


def import_pictures(
    source: Source, catalogue: Path, choices: ImportChoices, on_progress: OnProgress = lambda stage, done: None
) -> ImportSummary:
    """Imports the pictures of `source` into `catalogue`, which may contain others. An interrupted import can be resumed.

    Of pictures that look the same the largest is kept; a picture that is already in the catalogue takes precedence over all
    others. Pictures that are not taken or are changed are listed in `import-report.jsonl`, one row each. `on_progress` is
    called with (stage, pictures done).

    Raises:
        UsageError: the catalogue is not a folder, or another import into it is running.
        MissingPart: imagehash is not installed.
        ImpastoError: the source has no usable picture, or its metadata cannot be read.
        OSError: the catalogue cannot be written; its present contents stay intact.
    """
    try:
        import imagehash  # noqa: F401
    except ModuleNotFoundError:
        raise MissingPart("import needs imagehash: pip install 'impasto[data]'") from None
    if catalogue.exists() and not catalogue.is_dir():
        raise UsageError(f"--out {catalogue} is not a folder")
    journal = ImportJournal(catalogue)
    try:
        return _Import(source, catalogue, choices, journal, on_progress).run()
    finally:
        journal.close()


@dataclass(frozen=True, slots=True)
class _New:
    """A picture that is to be added to the catalogue."""

    item: SourcePicture
    name: str
    appearance: Appearance


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The bytes to write for a picture and its size in px, or the reason why it failed."""

    bytes: PictureBytes
    width: int
    height: int
    reason: str = ""


class _Import:
    def __init__(
        self, source: Source, catalogue: Path, choices: ImportChoices, journal: ImportJournal, on_progress: OnProgress
    ) -> None:
        self._source = source
        self._catalogue = catalogue
        self._choices = choices
        self._journal = journal
        self._on_progress = on_progress
        self._log = MetadataLog(catalogue)
        self._present = set(self._log.file_names())
        self._opt_out = OptOutRules.of(catalogue)
        self._summary = ImportSummary()

    def run(self) -> ImportSummary:
        decisions = decide(self._source.place, self._look(), self._journal, self._present)
        with ImportReport(self._catalogue / REPORT, self._journal.folder, self._source.place) as report:
            new = self._new_pictures(decisions, report)
            most = self._choices.max_side
            fitted = in_order(partial(_fitted, max_side=most), new, self._choices.workers if most is not None else 1)
            while chunk := list(islice(fitted, _ROWS)):
                self._put(chunk, report)
            self._summary.notes = self._source.notes()
        if not self._summary.taken and not self._summary.duplicates and not self._summary.opted_out:
            why = f"; {self._summary.notes[-1]}" if self._summary.notes else ""
            raise ImpastoError(f"{self._source.place} holds no usable picture{why} (see {self._catalogue / REPORT})")
        return self._summary

    def _look(self) -> dict[str, int]:
        """Computes the looks of the catalogue's earlier pictures and of the source's; see `read_appearances`."""
        root = self._catalogue.resolve()
        named = set(self._journal.names().values())
        files = {name: self._catalogue / name for name in sorted(self._present - named)}
        own = [name for name, file in files.items() if file.is_file() and file.resolve().is_relative_to(root)]
        items = (SourcePicture(name, name, {}, files[name]) for name in own)
        workers = self._choices.workers
        read_appearances(self._journal, _HERE, items, {}, workers, lambda done: self._on_progress("looking", done))
        self._journal.add_names(_HERE, ((name, name) for name in own))
        known = self._journal.looks(self._source.place)
        items = self._source.pictures(lambda key: key not in known)
        on_progress = partial(self._on_progress, "looking")
        return read_appearances(self._journal, self._source.place, items, known, workers, on_progress)

    def _new_pictures(self, decisions: Decisions, report: ImportReport) -> Iterator[_New]:
        """Yields the pictures that are not in place yet, in the source's order, and reports on all pictures."""
        every = self._journal.names()
        names = {key: name for (place, key), name in every.items() if place == self._source.place}
        free = FreeNames(self._catalogue, {*self._present, *every.values()})

        def is_new(key: str) -> bool:
            return key in decisions.taken and (names.get(key) not in self._present or bool(self._opt_out.hashes))

        for done, item in enumerate(self._source.pictures(is_new), 1):
            self._on_progress("putting in place", done)
            if isinstance(item, Refused):
                self._refuse(item.key, item.reason, report)
            elif isinstance(item, NotTaken):
                self._summary.not_taken += 1
                if self._summary.not_taken <= _MOST_NOT_TAKEN:
                    report.add(item.key, "not taken", item.reason)
            elif self._opt_out and (found := self._opt_out.of_row(item.row, item.file, item.data)) is not None:
                self._summary.opted_out += 1
                report.add(item.key, "opted out", self._opt_out.words(found))
            elif item.key in decisions.same_as:
                self._summary.duplicates += 1
                report.add(item.key, "duplicate", f"looks like {decisions.same_as[item.key]}")
            elif item.key not in decisions.taken:
                came_late = "it came while the others were looked at: run the import again"
                self._refuse(item.key, decisions.unreadable.get(item.key, came_late), report)
            else:
                appearance = decisions.taken[item.key]
                name = names.get(item.key)
                if name is None:
                    wanted = with_suffix(item.name, item.file, item.data)
                    name = free.take(smaller_name(wanted) if self._is_large(appearance) else wanted)
                self._tell(item, name, appearance, report)
                if name in self._present:
                    self._summary.taken += 1
                else:
                    yield _New(item, name, appearance)

    def _refuse(self, key: str, reason: str, report: ImportReport) -> None:
        self._summary.refused += 1
        report.add(key, "refused", reason)

    def _tell(self, item: SourcePicture, name: str, appearance: Appearance, report: ImportReport) -> None:
        if item.file is not None and name != item.key:
            self._summary.renamed += 1
            report.add(item.key, "renamed", name)
        if self._is_large(appearance):
            self._summary.smaller += 1
            report.add(item.key, "made smaller", f"from {appearance.width}x{appearance.height} px")
        for remark in item.remarks:
            self._summary.remarks += 1
            report.add(item.key, "remark", remark)

    def _is_large(self, appearance: Appearance) -> bool:
        return self._choices.max_side is not None and max(appearance.width, appearance.height) > self._choices.max_side

    def _put(self, chunk: list[tuple[_New, _Fitted]], report: ImportReport) -> None:
        """Writes names, then files, then rows: if a row exists, its file exists."""
        self._journal.add_names(self._source.place, ((new.item.key, new.name) for new, _ in chunk))
        rows: list[dict[str, Any]] = []
        for new, fitted in chunk:
            reason = fitted.reason or self._write(new, fitted.bytes)
            if reason:
                self._refuse(new.item.key, reason, report)
            else:
                size = {"width": fitted.width, "height": fitted.height}
                rows.append({"file_name": new.name, **new.item.row, **size})
        for folder in {(self._catalogue / row["file_name"]).parent for row in rows}:
            sync_folder(folder)
        if rows:
            self._log.append(rows)
            self._present.update(row["file_name"] for row in rows)
            self._summary.taken += len(rows)
            self._summary.new += len(rows)

    def _write(self, new: _New, picture: PictureBytes) -> str:
        """Puts the picture in place; returns a reason if the picture's source file no longer exists, else ""."""
        try:
            put_picture(picture, self._catalogue / new.name, self._journal.folder / "part", self._choices.how)
        except FileNotFoundError:
            return "it went away"
        return ""


def _fitted(new: _New, max_side: int | None) -> _Fitted:
    picture = PictureBytes(new.item.name, new.item.file, new.item.data)
    width, height = new.appearance.width, new.appearance.height
    if max_side is None or max(width, height) <= max_side:
        return _Fitted(picture, width, height)
    try:
        data, width, height = made_smaller(PictureBytes(new.name, picture.file, picture.data), max_side)
    except ImpastoError as error:
        return _Fitted(picture, width, height, str(error))
    return _Fitted(PictureBytes(new.name, None, data), width, height)
