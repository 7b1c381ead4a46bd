"""Paints the best of several seeds, for `paint --best-of`, also with `--avoid-copies`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.painting.best_of.record import MOST_TRIED

if TYPE_CHECKING:
    from impasto.jobs.painting.copy_avoidance import CopyAvoidance
    from impasto.painting.best_of.choosing import Paint, PromptScorer
    from impasto.painting.painting import Painting
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition


def check_best_of(best_of: int, keep_all: bool, scorer: str | None, copy_repaints: int | None) -> None:
    """Checks the options `--best-of`, `--keep-all` and `--scorer`; loads nothing.

    Raises:
        UsageError: a value is invalid, or an option has no effect.
    """
    if not 1 <= best_of <= MOST_TRIED:
        raise UsageError(f"best-of {best_of}: use 2 to {MOST_TRIED}, or 1 for the first seed whatever it is like")
    if best_of == 1:
        for option, given in (("--keep-all", keep_all), ("--scorer", scorer is not None)):
            if given:
                raise UsageError(f"{option} goes with --best-of N")
    elif copy_repaints is not None:
        raise UsageError("--copy-repaints does not go with --best-of: the other seeds take a copy's place")


def check_scored(condition: "Condition", best_of: int) -> None:
    """Raises UsageError if several seeds are to be ranked, and the condition has nothing to rank them by."""
    if best_of > 1 and not replace(condition, year=None).text():
        raise UsageError("--best-of ranks by prompt and artist: give one of them")


@dataclass
class BestOfPainting:
    """Paints requests with several seeds each and keeps the best.

    Attributes:
        scorer: ranks the paintings.
        count: how many seeds for each request.
        keep_all: whether the others are kept, too.
        batch: number of candidates that are painted at once; None for as many as fit.
        avoidance: paintings that look like a training picture are passed over; None for no check.
    """

    scorer: "PromptScorer"
    count: int
    keep_all: bool = False
    batch: int | None = None
    avoidance: "CopyAvoidance | None" = None

    @classmethod
    def load(
        cls, count: int, scorer: str | None, *, keep_all: bool, batch: int | None, avoidance: "CopyAvoidance | None"
    ) -> "BestOfPainting":
        """Loads the scorer: the built-in one, one of `impasto train pocket-scorer`, or CLIP.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such scorer, or a package is missing.
        """
        from impasto.painting.best_of.choosing import PromptScorer
        from impasto.vision.scorers.interface import load_scorer

        return cls(PromptScorer(load_scorer(scorer)), count, keep_all, batch, avoidance)

    def paint(self, paint: "Paint", requests: "Sequence[PaintRequest]") -> "Iterator[list[Painting]]":
        """Paints like `paint_best_of`; every painting that is passed over as a copy is reported in one line.

        Yields, for each request, the paintings to keep, the best first.

        Raises:
            UsageError: a request has neither prompt nor artist.
            ImpastoError: at the end, if for some requests all paintings were copies.
        """
        from impasto.painting.best_of.choosing import paint_best_of

        left_out = 0
        for request in requests:
            accept = None if self.avoidance is None else _accepted_by(self.avoidance)
            choice = paint_best_of(
                paint, [request], self.scorer, count=self.count, batch=self.batch, keep_all=self.keep_all, accept=accept
            )
            for kept in choice:
                left_out += not kept
                yield kept
        if left_out:
            raise ImpastoError(
                f"{left_out} of {len(requests)} paintings left out: {self.count} seeds gave only copies; "
                "try another prompt, less --guidance or a larger --best-of"
            )


def _accepted_by(avoidance: "CopyAvoidance") -> "Callable[[Painting], Provenance | None]":
    """Returns a function that compares a painting with the training pictures: the record with the check, or None."""
    from impasto.painting.copies.record import CopyCheck

    judge = avoidance.judge
    refused: list[int] = []

    def accept(painting: "Painting") -> "Provenance | None":
        likeness = judge.nearest(painting.image)
        if likeness.similarity < judge.threshold:
            check = CopyCheck(judge.identity, judge.threshold, likeness.similarity, tuple(refused))
            return replace(painting.provenance, copy_check=check)
        refused.append(painting.provenance.seed)
        avoidance.context.note(
            f"seed {painting.provenance.seed} looks like a copy of {likeness.file_name} "
            f"(similarity {likeness.similarity:.3f}, {judge.threshold:.3f} is too much): passed over"
        )
        return None

    return accept
