"""The job `import-captions`: merges published captions into a catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from impasto.errors import StoppedError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, note_report

if TYPE_CHECKING:
    from impasto.data.annotations.imported_captions import CaptionImport

_MOST_NOTES = 20


class ImportCaptionsJob(Job):
    """Merges the captions of a table into a catalogue, as what a person or a named machine says.

    Attributes:
        catalogue: the catalogue's folder.
        table: CSV, TSV, JSON, JSON lines or parquet; a row names its picture by file name or by the SHA-256 of its content.
        by: "person", or a machine's name; None for what each row says, else the table's name.
        replace: whether a person's captions replace decisions that a reviewer of this catalogue made.
        dry_run: leaves the catalogue unchanged.
    """

    kind: ClassVar[str] = "import-captions"

    catalogue: Path
    table: Path
    by: str | None = None
    replace: bool = False
    dry_run: bool = False

    def run(self, context: Context) -> "CaptionImport":
        """Merges the captions and notes the first rows that are not used.

        Raises:
            UsageError: there is no such folder or table, the table is empty, or the table or the name cannot be used.
            MissingPart, ImpastoError: the catalogue or the table cannot be read, no row matches, or a log cannot be written.
            StoppedError: the job was stopped; nothing was written.
        """
        check_catalogue(self.catalogue)
        from impasto.data.annotations.imported_captions import import_captions
        from impasto.data.annotations.imported_into_shards import import_captions_into_shards
        from impasto.data.shards.homes import home_of
        from impasto.data.shards.shard_set import is_shard_set

        in_shards = is_shard_set(self.catalogue)
        merge = import_captions_into_shards if in_shards else import_captions
        try:
            outcome = merge(
                self.catalogue, self.table, self.by, replace=self.replace, dry_run=self.dry_run,
                on_progress=context.count("pictures"),
            )  # fmt: skip
        except KeyboardInterrupt:
            left = "run the same command again to go on" if in_shards else f"{self.catalogue} is as it was"
            raise StoppedError(f"stopped: {left}") from None
        note_report(outcome.report, context, _MOST_NOTES)
        told = [*outcome.unmatched, *outcome.further, *outcome.kept]
        for skipped in told[:_MOST_NOTES]:
            context.note(f"{skipped.file_name}: {skipped.reason}")
        if len(told) > _MOST_NOTES:
            home = home_of(self.catalogue) if in_shards else self.catalogue
            where = "" if self.dry_run else f"; {home}/annotations/import-captions.jsonl names all"
            context.note(f"{len(told) - _MOST_NOTES} more rows or captions are not used{where}")
        return outcome
