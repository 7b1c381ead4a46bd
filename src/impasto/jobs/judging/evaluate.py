"""The job `evaluate`: folders of paintings against real pictures, side by side."""

from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.judging.folders import Evaluation, Question, evaluate_folders

USUAL_FEATURES = "efficientnet-lite2"


def check_measures(measures: tuple[str, ...] | None) -> None:
    """Raises UsageError where one of them is not known."""
    from impasto.evaluation.judgement import MEASURES

    unknown = [measure for measure in measures or () if measure not in MEASURES]
    if unknown:
        raise UsageError(f"--measures {unknown[0]!r}: use {', '.join(MEASURES)}, with commas between")


class EvaluateJob(Job):
    """Measures of folders of paintings against real pictures.

    Attributes:
        paintings: one folder or more.
        against: a folder of real pictures, with metadata or without.
        features: what sees the pictures: efficientnet-lite2, inception, dinov2, clip, or a folder.
        weights: Inception's weights.
        measures: some of `impasto.evaluation.judgement.MEASURES`; None for all that go with the features.
        artist: only this artist's real pictures; `held_out`: only those that training holds out.
        count: only so many pictures of each folder, chosen by `seed`.
        scorer: what compares with prompts: pocket, or CLIP's folder.
        allow_few: gives also what too few pictures are refused for.
        seed: of everything that is left to chance.
    """

    kind: ClassVar[str] = "evaluate"

    paintings: tuple[Path, ...]
    against: Path
    features: str = USUAL_FEATURES
    weights: Path | None = None
    measures: tuple[str, ...] | None = None
    artist: str | None = None
    held_out: bool = False
    count: int | None = None
    scorer: str | None = None
    allow_few: bool = False
    seed: int = 0
    device: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "EvaluateJob":
        check_measures(self.measures)
        if self.count is not None and self.count < 2:
            raise UsageError(f"count {self.count}: use 2 or more")
        return self

    def run(self, context: Context) -> Evaluation:
        """Looks at all pictures, each once, and measures; notes are in the result and reported.

        Raises:
            UsageError, MissingPart, ImpastoError: a folder is not there or holds nothing usable; nothing can be measured.
            StoppedError: it was stopped; what was looked at is kept.
        """
        for folder in (*self.paintings, self.against):
            if not folder.is_dir():
                raise UsageError(f"{folder}: there is no such folder")
        from impasto.evaluation.estimate import Refused
        from impasto.evaluation.features import INCEPTION
        from impasto.evaluation.judgement import MEASURES, Judging

        # The Inception score is for Inception's features alone, and said to be so only to who asks for it.
        usual = tuple(one for one in MEASURES if one != "inception-score" or self.features == INCEPTION)
        chosen = usual if self.measures is None else tuple(dict.fromkeys(self.measures))
        question = Question(
            list(self.paintings), self.against, self.features, self.weights, self.artist, self.held_out, self.count,
            self.scorer, self.device,
        )  # fmt: skip
        try:
            found = evaluate_folders(question, Judging(chosen, self.allow_few, self.seed), context.progress)
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
        for note in found.notes:
            context.note(note)
        refused = [one.reason for judged in found.judged for one in judged.measures.values() if isinstance(one, Refused)]
        if len(refused) == sum(len(judged.measures) for judged in found.judged):
            raise ImpastoError(f"nothing could be measured: {refused[0]}")
        return found
