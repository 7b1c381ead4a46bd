"""The job `filter`: drops pictures whose captions do not match them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, note_report

if TYPE_CHECKING:
    from impasto.data.annotations.filtering import FilterOutcome


@dataclass(frozen=True)
class Filtered:
    """The result of filtering, and the scorer's name."""

    outcome: "FilterOutcome"
    scorer: str


class FilterJob(Job):
    """Drops the pictures of a catalogue whose caption does not match them. A person's decision takes precedence.

    Attributes:
        catalogue: the catalogue's folder.
        below: the threshold, -1 to 1, below which a pair is dropped; None for the scorer's own threshold.
        scorer: the scorer that compares texts and pictures: "pocket", or a folder with CLIP; None for pocket.
        dry_run: leaves the catalogue unchanged.
    """

    kind: ClassVar[str] = "filter"

    catalogue: Path
    below: float | None = None
    scorer: str | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _check(self) -> "FilterJob":
        if self.below is not None and not (math.isfinite(self.below) and -1 <= self.below <= 1):
            raise UsageError(f"--below {self.below:g}: a similarity lies between -1 and 1")
        return self

    def run(self, context: Context) -> Filtered:
        """Compares the pairs and notes the pictures that are not scored.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder or scorer; a log cannot be read or written.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        from impasto.data.annotations.filtering import filter_catalogue
        from impasto.vision.scorers.interface import load_scorer

        scorer = load_scorer(self.scorer)
        try:
            outcome = filter_catalogue(
                self.catalogue, scorer, self.below, dry_run=self.dry_run, on_progress=context.count("pictures")
            )
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again to go on; what was compared is kept") from None
        note_report(outcome.report, context)
        return Filtered(outcome, scorer.name)
