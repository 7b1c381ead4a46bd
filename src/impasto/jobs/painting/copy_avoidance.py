"""Painting without copies: which training pictures are compared with, and what is reported of refusals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.context import Context
from impasto.jobs.judging.training_pictures import Training

if TYPE_CHECKING:
    from PIL import Image

    from impasto.painting.copies.avoiding import CopyJudge, Likeness, Refusal
    from impasto.painting.painting import Painting
    from impasto.painting.request import PaintRequest

MOST_REPAINTS = 100


class TrainingJudge:
    """The `CopyJudge` of a catalogue's or an index's training pictures."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self.threshold = training.index.calibration.threshold().value
        self.identity = training.index.identity

    def nearest(self, image: "Image.Image") -> "Likeness":
        """The training picture that `image` is most like."""
        from impasto.evaluation.memorization.search import nearest_training_picture
        from impasto.painting.copies.avoiding import Likeness

        match = nearest_training_picture(image, self._training.index, self._training.features)
        return Likeness(match.training.file_name, match.similarity)


@dataclass
class CopyAvoidance:
    """Paints what is no copy of a training picture.

    Attributes:
        judge: what tells copies.
        repaints: how often one painting is painted again with another seed.
        left_out: how many paintings are not handed out, since they were copies to the last.
    """

    judge: "CopyJudge"
    repaints: int
    context: Context
    left_out: int = field(default=0, init=False)

    @classmethod
    def prepare(cls, training: Path, repaints: int, features: str, context: Context) -> "CopyAvoidance":
        """The training pictures of a catalogue, or of an index that `impasto data copy-index` wrote.

        Raises:
            UsageError, ImpastoError: as `Training.load`.
        """
        return cls(TrainingJudge(Training.load(training, features, context)), repaints, context)

    def paint(
        self, paint: "Callable[[Sequence[PaintRequest]], Iterator[Painting]]", requests: "Sequence[PaintRequest]"
    ) -> "Iterator[Painting]":
        """As `paint_without_copies`; every refusal is reported in one line.

        Raises:
            ImpastoError: at the end, where paintings were left out.
        """
        from impasto.painting.copies.avoiding import paint_without_copies

        yield from paint_without_copies(paint, requests, self.judge, repaints=self.repaints, on_refusal=self._say)
        if self.left_out:
            tries = f"{self.repaints + 1} seeds" if self.repaints else "1 seed"
            raise ImpastoError(
                f"{self.left_out} of {len(requests)} paintings left out: {tries} gave only copies; "
                "try another prompt, less --guidance or more --copy-repaints"
            )

    def _say(self, refusal: "Refusal") -> None:
        likeness = refusal.likeness
        if refusal.next_seed is None:
            self.left_out += 1
        then = "left out" if refusal.next_seed is None else f"painted again with seed {refusal.next_seed}"
        self.context.note(
            f"seed {refusal.seed} looks like a copy of {likeness.file_name} "
            f"(similarity {likeness.similarity:.3f}, {self.judge.threshold:.3f} is too much): {then}"
        )


def check_avoidance(training: Path | None, repaints: int | None) -> int:
    """The number of repaintings that was asked for, 4 if none was, before anything is loaded.

    Raises:
        UsageError: it is out of its range, or there is nothing to avoid.
    """
    if repaints is not None and training is None:
        raise UsageError("--copy-repaints goes with --avoid-copies")
    if repaints is not None and not 0 <= repaints <= MOST_REPAINTS:
        raise UsageError(f"--copy-repaints {repaints}: use 0 to {MOST_REPAINTS}")
    return 4 if repaints is None else repaints
