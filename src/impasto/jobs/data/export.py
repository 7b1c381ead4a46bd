"""The job `export`: writes a catalogue in the formats of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator

from impasto.errors import StoppedError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, check_number, note_report
from impasto.stores.place import address_of

if TYPE_CHECKING:
    from impasto.data.exporting.exporter import ExportSummary

_MOST_NOTES = 20


class ExportJob(Job):
    """Writes the pictures that are neither rejected nor dropped, with merged captions, tags and decisions.

    Attributes:
        catalogue: the catalogue's folder.
        to: captions without pictures, a folder, tar shards, tar shards with a manifest, or parquet in the hub's format.
        out: the file (captions.csv) or folder to write; for shards also an address such as `s3://bucket/folder`.
        force: replaces an earlier export, but nothing at an address.
        shard_size: number of pictures in one file of webdataset, shards and parquet.
        copies: copies pictures into an imagefolder, instead of hard links.
        check_images: decodes every picture first; broken ones and duplicates are left out.
    """

    kind: ClassVar[str] = "export"

    catalogue: Path
    to: Literal["captions.csv", "imagefolder", "webdataset", "shards", "parquet"]
    out: Path
    force: bool = False
    shard_size: int = 1000
    copies: bool = False
    check_images: bool = True

    @model_validator(mode="after")
    def _check(self) -> "ExportJob":
        check_number("--shard-size", self.shard_size, 1)
        return self

    def run(self, context: Context) -> "ExportSummary":
        """Writes the export, completely or not at all, and notes the first pictures that are left out.

        Raises:
            UsageError: there is no such folder, or the target may not be written.
            MissingPart: parquet is requested and pyarrow is not installed.
            ImpastoError: the catalogue cannot be read, no picture remains, or the target cannot be written.
            StoppedError: the job was stopped; the target is unchanged, or at an address holds the finished shards.
        """
        check_catalogue(self.catalogue)
        from impasto.data.exporting.exporter import ExportChoices, export_catalogue

        choices = ExportChoices(
            force=self.force, shard_size=self.shard_size, copy=self.copies, check_images=self.check_images
        )
        try:
            summary = export_catalogue(
                self.catalogue,
                self.to,
                self.out,
                choices,
                lambda stage, done, of: context.progress(f"{stage} {done} of {of} pictures", done / max(of, 1)),
            )
        except KeyboardInterrupt:
            address = address_of(self.out)
            if address is not None:
                raise StoppedError(f"stopped: run the same command again to go on; what {address} has is kept") from None
            raise StoppedError(f"stopped: {self.out} is as it was") from None
        note_report(summary.report, context, _MOST_NOTES)
        return summary
