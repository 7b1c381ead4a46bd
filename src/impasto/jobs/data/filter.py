"""The job `filter`: drops pictures whose captions do not match them, and pictures of those who opted out."""

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
    from impasto.data.annotations.opting_out import OptedOut

_MOST_NOTES = 20


@dataclass(frozen=True)
class Filtered:
    """The result of filtering.

    Attributes:
        outcome: the pairs; None if only opt-outs were applied.
        scorer: the scorer's name; "" if only opt-outs were applied.
        opted_out: the result of the opt-out file, if one was given.
    """

    outcome: "FilterOutcome | None"
    scorer: str
    opted_out: "OptedOut | None" = None


class FilterJob(Job):
    """Drops the pictures of a catalogue whose caption does not match them. A person's decision takes precedence.

    Attributes:
        catalogue: the catalogue's folder.
        below: the threshold, -1 to 1, below which a pair is dropped; None for the scorer's own threshold.
        scorer: the scorer that compares texts and pictures: "pocket", or a folder with CLIP; None for pocket.
        dry_run: leaves the catalogue unchanged.
        opt_out: a file of artists, file hashes and addresses, one per line, whose pictures are used no longer. With it,
            captions are compared only if `below` or `scorer` is given too.
    """

    kind: ClassVar[str] = "filter"

    catalogue: Path
    below: float | None = None
    scorer: str | None = None
    dry_run: bool = False
    opt_out: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> "FilterJob":
        if self.below is not None and not (math.isfinite(self.below) and -1 <= self.below <= 1):
            raise UsageError(f"--below {self.below:g}: a similarity lies between -1 and 1")
        return self

    def run(self, context: Context) -> Filtered:
        """Applies the opt-outs, or compares the pairs, or both, and notes the pictures that are left out or not scored.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder or scorer; a log cannot be read or written.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        opted_out = None if self.opt_out is None else self._opt_out(self.opt_out, context)
        if opted_out is not None and self.below is None and self.scorer is None:
            note_report(opted_out.report, context, _MOST_NOTES)
            return Filtered(None, "", opted_out)
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
        return Filtered(outcome, scorer.name, opted_out)

    def _opt_out(self, file: Path, context: Context) -> "OptedOut":
        from impasto.data.annotations.opting_out import opt_out

        outcome = opt_out(self.catalogue, file, dry_run=self.dry_run)
        for skipped in (*outcome.not_understood, *outcome.unknown, *outcome.near):
            context.note(f"{skipped.file_name}: {skipped.reason}")
        for skipped in outcome.removed[:_MOST_NOTES]:
            context.note(f"{skipped.file_name}: {skipped.reason}")
        if len(outcome.removed) > _MOST_NOTES:
            context.note(f"{len(outcome.removed) - _MOST_NOTES} more pictures are left out")
        return outcome
