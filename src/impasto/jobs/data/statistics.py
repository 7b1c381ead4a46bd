"""The job `statistics`: counts the content of a catalogue, or compares WikiArt's lists with the paper's numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, note_report

if TYPE_CHECKING:
    from impasto.data.statistics.counts import CatalogueStatistics
    from impasto.data.statistics.published_numbers import Comparison

_MOST_NOTES = 20


@dataclass(frozen=True)
class Statistics:
    """The statistics of a catalogue or of WikiArt's lists.

    Attributes:
        found: the counts.
        comparison: the paper's numbers beside those of WikiArt's lists; empty for a catalogue.
        files: the tables and figures that were written.
    """

    found: "CatalogueStatistics"
    comparison: "list[Comparison]"
    files: list[Path]


class StatisticsJob(Job):
    """Counts artists, styles, genres, years, sizes, captions, and missing values.

    Attributes:
        place: a catalogue, or a folder with WikiArt's lists (style_train.csv).
        out: a folder for each table as CSV and for the figures as PNG; None writes nothing.
    """

    kind: ClassVar[str] = "statistics"

    place: Path
    out: Path | None = None

    def run(self, context: Context) -> Statistics:
        """Counts, reports the counts as a `Figures` event, then writes tables and figures.

        The event contains `paintings`, and each table by its name as a list of rows {heading: value}.

        Raises:
            UsageError: there is no such folder, or `out` is not a folder.
            MissingPart, ImpastoError: the catalogue or the lists cannot be read, or the figures cannot be drawn.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.place)
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise UsageError(f"--out {self.out} is not a folder")
        from impasto.data.statistics.tables import statistics_tables, write_tables

        try:
            found, comparison = self._count(context)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None
        note_report(found.report, context, _MOST_NOTES)
        tables = statistics_tables(found, comparison)
        rows = {table.name: [dict(zip(table.header, row, strict=True)) for row in table.rows] for table in tables}
        context.figures(paintings=found.paintings, **rows)
        for row in comparison:
            if not row.equal:
                context.note(f"the lists differ from wu2022: {row.what} {row.here}, not {row.published}")
        files: list[Path] = []
        if self.out is not None:
            from impasto.data.statistics.figures import write_figures

            self.out.mkdir(parents=True, exist_ok=True)
            files = [*write_tables(tables, self.out), *write_figures(found, self.out)]
        return Statistics(found, comparison, files)

    def _count(self, context: Context) -> "tuple[CatalogueStatistics, list[Comparison]]":
        """The statistics, and for WikiArt's lists the comparison with the paper's numbers."""
        from impasto.data.importing.wikiart import find_lists
        from impasto.data.statistics.counts import catalogue_statistics, list_statistics
        from impasto.data.statistics.published_numbers import WU2022, compare

        is_catalogue = any((self.place / name).exists() for name in ("metadata.jsonl", "metadata.csv"))
        lists = None if is_catalogue else find_lists(self.place)
        if lists is None:
            return catalogue_statistics(self.place, context.count("pictures")), []
        found = list_statistics(lists)
        return found, compare(found, WU2022)
