"""The job `search`: finds a catalogue's pictures by words or by a similar picture."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, check_number
from impasto.jobs.judging.training_pictures import say_skipped

if TYPE_CHECKING:
    from impasto.data.search import Found


class SearchJob(Job):
    """Finds pictures by words or by a picture; exactly one of the two must be given.

    Attributes:
        catalogue: the catalogue's folder.
        words: what to find, for instance "boats in a storm".
        like: a picture; finds similar ones.
        count: maximal number of results, 1 to 10,000.
        scorer: the scorer for the comparison: "pocket", or a folder with CLIP; None for pocket.
    """

    kind: ClassVar[str] = "search"

    catalogue: Path
    words: str | None = None
    like: Path | None = None
    count: int = 10
    scorer: str | None = None

    @model_validator(mode="after")
    def _check(self) -> "SearchJob":
        if (self.words is None) == (self.like is None):
            raise UsageError("say what to find: words, or a picture with --like")
        if self.words is not None and not self.words.strip():
            raise UsageError("there is nothing to search for")
        check_number("--count", self.count, 1, 10_000)
        return self

    def run(self, context: Context) -> "list[Found]":
        """Returns the pictures found, most similar first; notes those that cannot be read.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder or scorer; the catalogue or `like` cannot be
                read.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        from impasto.data.catalogue.entry import CatalogueReport
        from impasto.data.catalogue.pictures import open_picture
        from impasto.data.search import search_catalogue
        from impasto.vision.scorers.interface import load_scorer

        question = self.words if self.words is not None else open_picture(self.like or Path())
        report = CatalogueReport()
        try:
            found = search_catalogue(
                self.catalogue,
                question,
                load_scorer(self.scorer),
                count=self.count,
                report=report,
                on_progress=context.count("pictures"),
            )
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
        say_skipped(report, context)
        return found
