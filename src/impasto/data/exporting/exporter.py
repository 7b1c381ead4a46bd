"""Exports a catalogue as imagefolder, WebDataset, shards or Parquet, or exports its captions as a CSV file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.catalogue.read import catalogue_parts
from impasto.data.exporting.captions import write_captions
from impasto.data.exporting.imagefolder import write_imagefolder
from impasto.data.exporting.parquet import OwnColumns, write_parquet
from impasto.data.exporting.rows import read_export_rows
from impasto.data.exporting.shards import check_store, write_shards
from impasto.data.exporting.target import check_target, whole_folder
from impasto.data.exporting.webdataset import write_webdataset
from impasto.errors import UsageError
from impasto.stores.opening import store_of
from impasto.stores.place import address_of

Shape = Literal["captions.csv", "imagefolder", "webdataset", "shards", "parquet"]


@dataclass(frozen=True)
class ExportChoices:
    """Options of an export.

    Attributes:
        force: replace an earlier export.
        shard_size: pictures per file of webdataset, shards and parquet.
        copy: copy the pictures instead of hard-linking them, for an imagefolder whose pictures will be edited.
        check_images: decode every picture and leave out broken ones and duplicates; not done for captions.csv.
    """

    force: bool = False
    shard_size: int = 1000
    copy: bool = False
    check_images: bool = True


@dataclass(frozen=True)
class ExportSummary:
    """The number of exported pictures, and a report of what was left out.

    Attributes:
        without_text: pictures of captions.csv's catalogue that have neither a caption nor tags, and so no row.
    """

    pictures: int
    report: CatalogueReport
    without_text: int = 0


def export_catalogue(
    folder: Path,
    shape: Shape,
    out: Path,
    choices: ExportChoices | None = None,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, of: None,
) -> ExportSummary:
    """Writes the entries that are neither rejected nor dropped to `out`, a file for `captions.csv`, else a folder.

    Shards may also go to an address such as `s3://bucket/folder`: there the manifest comes last, and the same export to the
    same place goes on where it ended. A folder or file is either complete or not created. `on_progress` is called with
    (stage, done, total).

    Raises:
        UsageError: the target may not be written, or `shard_size` is less than 1.
        ImpastoError: the catalogue cannot be read, it has nothing to export, or the target cannot be written.
        MissingPart: the shape is parquet and pyarrow is not installed.
    """
    choices = choices or ExportChoices()
    if choices.shard_size < 1:
        raise UsageError(f"--shard-size {choices.shard_size}: use 1 or more")
    address = address_of(out)
    if address is not None:
        if shape != "shards":
            raise UsageError(f"--out {address}: only --to shards goes to a store; {shape} goes to a folder of this machine")
        check_store(store_of(address))
    else:
        check_target(out, folder, force=choices.force)
    if shape == "captions.csv" and out.is_dir():
        raise UsageError(f"--out {out} is a folder: captions go to a file")
    if shape != "captions.csv" and out.is_file():
        raise UsageError(f"--out {out} is a file: {shape} goes to a folder")
    check = choices.check_images and shape != "captions.csv"
    rows = read_export_rows(folder, check_images=check, on_progress=lambda done, of: on_progress("checking", done, of))
    if shape == "captions.csv":
        left: list[int] = [0]
        count = write_captions(rows, out, lambda: left.__setitem__(0, left[0] + 1))
        return ExportSummary(count, rows.report, left[0])

    def written(done: int) -> None:
        on_progress("writing", done, max(rows.of, done))

    if address is not None:
        count = write_shards(rows, store_of(address), shard_size=choices.shard_size, on_progress=written)
        return ExportSummary(count, rows.report)
    with whole_folder(out) as part:
        if shape == "imagefolder":
            count = write_imagefolder(rows, part, copy=choices.copy, on_progress=written)
        elif shape == "webdataset":
            count = write_webdataset(rows, part, shard_size=choices.shard_size, on_progress=written)
        elif shape == "shards":
            count = write_shards(rows, store_of(part), shard_size=choices.shard_size, on_progress=written)
        else:
            parts = catalogue_parts(folder, check_images=False)
            columns = OwnColumns.of(entry for read in parts for entry in read.entries)
            count = write_parquet(rows, part, columns, shard_size=choices.shard_size, on_progress=written)
    return ExportSummary(count, rows.report)
