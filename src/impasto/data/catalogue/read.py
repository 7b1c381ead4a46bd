"""Reads catalogues: folders of pictures with `metadata.jsonl` or `metadata.csv`, with captions beside them, or a bare tree.

The layout is Hugging Face's *imagefolder*; `folder_rows` describes the others that are understood. Reading never writes into
the folder; a report lists what is not used.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.data.annotations.merged import merge_annotations
from impasto.data.annotations.opt_out import OptOutRules, without_opted_out
from impasto.data.catalogue.columns import with_catalogue_columns
from impasto.data.catalogue.entry import (
    DROPPED,
    OPTED_OUT,
    REJECTED,
    CatalogueEntry,
    CatalogueReport,
    Skipped,
    counted_reasons,
)
from impasto.data.catalogue.entry_of_row import entry_of_row
from impasto.data.catalogue.folder_names import parent_folders, words_of_folders
from impasto.data.catalogue.folder_rows import FolderRows, Lost
from impasto.data.catalogue.listing import Listing
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.plain_text import cleaned, unprintable
from impasto.data.shards.contents import Contents, FirstNames, ManyContents
from impasto.data.shards.homes import home_of
from impasto.data.shards.member import ShardMember
from impasto.data.shards.shard_set import ShardSet, is_shard_set
from impasto.errors import ImpastoError
from impasto.stores.place import address_of

_MOST_NAMED = 20  # files that are not read and that a note names
_NOT_READ = "files that are not read"
_HARMLESS = frozenset({"hidden", "a hidden folder", "a system's own file", "no picture"})
REGULARISATION = "a regularisation picture of kohya's layout, which is no work to learn from"


@dataclass
class Catalogue:
    """The usable entries of a folder, in the order of its metadata, and a report on the rest.

    Attributes:
        folder: the folder, or the shards' place.
        home: the folder whose logs hold its annotations: the same, but for shards (see `shards.homes`).
        start: of a part, the number of pictures before it.
        of: the number of pictures of the whole, as far as it is known before they are read.
    """

    folder: Path
    entries: list[CatalogueEntry]
    report: CatalogueReport
    home: Path
    start: int = 0
    of: int = 0

    def progress(self, done: int, missing: int) -> tuple[int, int]:
        """Returns (done, total) of a job with `done` of the part's `missing` pictures; all others are done already."""
        return self.start + len(self.entries) - missing + done, max(self.of, self.start + len(self.entries))


def read_catalogue(
    folder: Path,
    *,
    check_images: bool = True,
    annotations: bool = True,
    opted_out: bool = False,
    may_be_empty: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Catalogue:
    """Reads a catalogue, with all of its entries in memory; `catalogue_parts` reads shards of any size.

    With `check_images` every picture is decoded and hashed in a thread pool to find broken, tiny, bomb-sized and duplicate
    ones, and `on_progress` is called with (done, total); otherwise only names and paths are checked. Where a table named
    `metadata` lies (jsonl before csv), only the pictures that it names are used; elsewhere every picture of the tree is.
    With `annotations` the annotation logs of the catalogue are merged in (see `merge_annotations`): tags and captions are
    added, and pictures that a reviewer rejected or the filter dropped are left out. Pictures under the catalogue's opt-out
    rules are left out always, except with `opted_out`. With `may_be_empty`, a catalogue of which somebody's decisions (the
    filter, a review, opt-outs) leave nothing has no entries.

    Raises:
        ImpastoError: the folder does not exist, contains no usable picture, or its metadata cannot be read.
    """
    parts = catalogue_parts(
        folder, check_images=check_images, annotations=annotations, opted_out=opted_out, may_be_empty=may_be_empty,
        on_progress=on_progress,
    )  # fmt: skip
    whole = next(parts)
    for part in parts:
        whole.entries += part.entries
        whole.report.add(part.report)
    if whole.home != whole.folder:
        whole.home = home_of(folder)
    return whole


def catalogue_parts(
    folder: Path,
    *,
    check_images: bool = True,
    annotations: bool = True,
    opted_out: bool = False,
    may_be_empty: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[Catalogue]:
    """Yields the parts of a catalogue, each as `read_catalogue` returns a whole one: a folder has one part.

    Of tar shards (see `shards`) a part is a shard, or 4096 pictures of a larger one, and no more than one is in memory. A
    part may have no entries. Reports on the set of shards as a whole come with the first part.

    Raises:
        ImpastoError: as `read_catalogue`; that there is no usable picture at all is told at the end.
    """
    if not is_shard_set(folder):
        folder = Path(folder)
        if not folder.is_dir():
            raise ImpastoError(f"{folder} is not a folder of pictures")
        report = CatalogueReport()
        entries = [
            replace(entry_of_row(name, file, row, report), conditions=conditions)
            for name, file, row, conditions in _rows(folder.resolve(), report)
        ]
        whole = Catalogue(folder, entries, report, folder, of=len(entries))
        parts: Iterable[Catalogue] = [whole]
        rules, contents = None if opted_out else OptOutRules.of(folder), Contents()
    else:
        shards = ShardSet.open(folder, on_progress)
        parts = _shard_parts(Path(folder), shards)
        rules, contents = None if opted_out else OptOutRules.of(shards.home), ManyContents()
    used, first, decided = False, None, Counter[str]()
    for part in parts:
        if rules:
            part.entries = without_opted_out(rules, part.entries, part.report)
        if check_images:
            part.entries = _whole_and_different(part, contents, on_progress)
        if annotations:  # after the check: a duplicate of a rejected picture remains a duplicate
            part.entries = merge_annotations(part.home, part.entries, part.report)
        first = first or (part.report if part.report.skipped or part.report.notes else None)
        if part.report.skipped:
            decided.update(part.report.reasons())
        used = used or bool(part.entries)
        if isinstance(parts, list):  # the one part of a folder: it is not given out if it is of no use
            _check_used(folder, used, may_be_empty, decided, first)
        yield part
    _check_used(folder, used, may_be_empty, decided, first)


def _check_used(folder: Path, used: bool, may_be_empty: bool, decided: Counter[str], report: CatalogueReport | None) -> None:
    """Raises ImpastoError if no picture is used and nobody decided so; `report` is the first that has something to say."""
    if used or (may_be_empty and any(kind in decided for kind in (DROPPED, OPTED_OUT, REJECTED))):
        return
    what = "put pictures into it as artist/picture.jpg, or name them in its metadata.jsonl"
    if report is not None and report.notes and report.notes[-1].startswith(_NOT_READ):
        what = report.notes[-1]
    elif report is not None and report.skipped:
        what = f"the first, {report.skipped[0].file_name}: {report.skipped[0].reason}"
        if decided.total() > 1:
            what = f"not used are {counted_reasons(dict(decided.most_common()))}; {what}"
    raise ImpastoError(f"{address_of(folder) or folder} holds no usable picture ({what})")


def _shard_parts(folder: Path, shards: ShardSet) -> Iterator[Catalogue]:
    """Yields the parts of a set of shards; the first also has the report on the set."""
    report = shards.report
    if not shards.home.is_relative_to(Path(folder).resolve()):
        report.notes.append(f"annotations of these shards are kept in {shards.home}")
    for part in shards.parts():
        report.add(part.report)
        yield Catalogue(folder, part.entries, report, part.home, part.start, shards.pictures)
        report = CatalogueReport()
    if report.skipped or report.notes:  # no part came to tell it with
        yield Catalogue(folder, [], report, shards.home / "none", 0, 0)


def _rows(root: Path, report: CatalogueReport) -> Iterator[tuple[str, Path, dict[str, Any], dict[str, Path]]]:
    """Yields (file name, file, row with a catalogue's columns, condition pictures) of the pictures to use; the others go to
    `report`.
    """
    listing = Listing.of(root)
    rows = FolderRows(listing, place="catalogue", only_named=True)
    refused = {skip.file_name: skip.reason.replace("the folder", "the catalogue") for skip in listing.refused}
    for item in rows:
        if isinstance(item, Lost):
            report.skipped.append(_skipped(item, refused))
            continue
        file = listing.pictures[item.key]
        if words_of_folders(parent_folders(item.key)).is_regularisation:
            report.skipped.append(Skipped(item.key, REGULARISATION))
        elif file is not None:
            report.warnings += (Skipped(item.key, remark) for remark in item.remarks)
            others = {column: listing.pictures[key] for column, key in rows.conditions.get(item.key, {}).items()}
            conditions = {column: other for column, other in others.items() if other is not None}
            yield item.name or item.key, file, with_catalogue_columns(item.row), conditions
    if not rows.has_root_metadata:
        report.skipped += listing.refused
    report.notes += rows.notes
    if rows.unnamed:
        shown = ", ".join(rows.unnamed[:3]) + (" ..." if len(rows.unnamed) > 3 else "")
        report.notes.append(f"pictures that the metadata does not name are not used: {len(rows.unnamed)} ({shown})")
    left = [(key, reason) for key, reason in rows.not_taken() if reason not in _HARMLESS]
    if left and (not rows.has_root_metadata or listing.archives):
        shown = "; ".join(f"{key}: {reason}" for key, reason in left[:_MOST_NAMED])
        more = f" and {len(left) - _MOST_NAMED} others" if len(left) > _MOST_NAMED else ""
        report.notes.append(f"{_NOT_READ}: {shown}{more}")


def _skipped(item: Lost, refused: dict[str, str]) -> Skipped:
    if item.kind == "twice":
        return Skipped(item.name, "named twice in the metadata")
    if item.kind == "row" or not item.name:
        return Skipped(item.where, item.reason if item.kind == "row" else "no file_name")
    shown = cleaned(item.name)
    reason = refused.get(item.name) or item.reason or "there is no such file"
    if len(item.name) > 1024 or unprintable(item.name):
        reason = "an impossible file name"
    return Skipped(shown if len(shown) <= 200 else f"{shown[:200]}...", reason)


def _unmistakable(entry: CatalogueEntry) -> str:
    """Returns the entry's name, with its place behind a line's end in shards: two shards may have one name twice."""
    file = entry.file
    if not isinstance(file, ShardMember):
        return entry.file_name
    return f"{entry.file_name}\n{file.place.shard.removesuffix('.tar')}/{file.member}"


def _whole_and_different(
    part: Catalogue, contents: FirstNames, on_progress: Callable[[int, int], None] | None
) -> list[CatalogueEntry]:
    rows, report = part.entries, part.report

    def look(entry: CatalogueEntry) -> tuple[str, str]:
        """Returns (content hash, ""), or ("", reason why the picture cannot be used)."""
        try:
            data = entry.file.read_bytes() if isinstance(entry.file, ShardMember) else None
            open_picture(entry.file, data=data)
            return hashlib.sha256(data or entry.file.read_bytes()).hexdigest(), ""
        except ImpastoError as error:
            return "", str(error).removeprefix(f"{entry.file}: ")
        except OSError as error:  # the file may disappear between the two reads
            return "", str(error.strerror or error)

    kept: list[CatalogueEntry] = []
    pool = ThreadPoolExecutor()
    try:
        for number, (entry, (content, reason)) in enumerate(zip(rows, pool.map(look, rows), strict=True), 1):
            if reason:
                report.skipped.append(Skipped(entry.file_name, reason))
            elif (first := contents.first(content, own := _unmistakable(entry))) != own:
                name, _, place = first.partition("\n")
                named = place if name == entry.file_name else name
                report.skipped.append(Skipped(entry.file_name, f"the same picture as {named}"))
            else:
                kept.append(entry)
            if on_progress is not None:
                on_progress(part.start + number, max(part.of, len(rows)))
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C does not wait for thousands of pictures
    return kept
