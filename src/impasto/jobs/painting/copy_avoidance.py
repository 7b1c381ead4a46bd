"""Painting without copies: compares paintings with training pictures, repaints copies, and reports refusals."""

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
    """A `CopyJudge` for the training pictures of a catalogue or an index."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self.threshold = training.index.calibration.threshold().value
        self.identity = training.index.identity

    def nearest(self, image: "Image.Image") -> "Likeness":
        """Returns the training picture that is most similar to `image`."""
        from impasto.evaluation.memorization.search import nearest_training_picture
        from impasto.painting.copies.avoiding import Likeness

        match = nearest_training_picture(image, self._training.index, self._training.features)
        return Likeness(match.training.file_name, match.similarity)


@dataclass
class CopyAvoidance:
    """Paints pictures that are not copies of training pictures.

    Attributes:
        judge: detects copies.
        repaints: how often one painting is painted again with another seed.
        context: the job's context, for notes.
        left_out: number of paintings that are left out because all tries were copies.
    """

    judge: "CopyJudge"
    repaints: int
    context: Context
    left_out: int = field(default=0, init=False)

    @classmethod
    def prepare(cls, training: Path, repaints: int, features: str, context: Context) -> "CopyAvoidance":
        """Loads the training pictures of a catalogue, or of an index written by `impasto data copy-index`.

        Raises:
            UsageError, ImpastoError: the same as `Training.load`.
        """
        return cls(TrainingJudge(Training.load(training, features, context)), repaints, context)

    def paint(
        self, paint: "Callable[[Sequence[PaintRequest]], Iterator[Painting]]", requests: "Sequence[PaintRequest]"
    ) -> "Iterator[Painting]":
        """Paints like `paint_without_copies`; every refusal is reported in one line.

        Raises:
            ImpastoError: at the end, if paintings were left out.
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
    """Returns the requested number of repaintings, 4 by default; checks it before anything is loaded.

    Raises:
        UsageError: the number is out of its range, or given without training pictures.
    """
    if repaints is not None and training is None:
        raise UsageError("--copy-repaints goes with --avoid-copies")
    if repaints is not None and not 0 <= repaints <= MOST_REPAINTS:
        raise UsageError(f"--copy-repaints {repaints}: use 0 to {MOST_REPAINTS}")
    return 4 if repaints is None else repaints
