"""The job `evaluate`: measures folders of paintings against real pictures."""

from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.judging.folders import Evaluation, Question, evaluate_folders

USUAL_FEATURES = "efficientnet-lite2"


def check_measures(measures: tuple[str, ...] | None) -> None:
    """Raises UsageError if one of the measures is unknown."""
    from impasto.evaluation.judgement import MEASURES

    unknown = [measure for measure in measures or () if measure not in MEASURES]
    if unknown:
        raise UsageError(f"--measures {unknown[0]!r}: use {', '.join(MEASURES)}, with commas between")


class EvaluateJob(Job):
    """Measures folders of paintings against real pictures.

    Attributes:
        paintings: one or more folders.
        against: a folder of real pictures, with or without metadata.
        features: the feature extractor: efficientnet-lite2, inception, dinov2, clip, or a folder.
        weights: the file with Inception's weights.
        measures: some of `impasto.evaluation.judgement.MEASURES`; None for all that fit the features.
        artist: compares only with this artist's real pictures.
        held_out: compares only with pictures that are held out of training.
        count: number of pictures of each folder, chosen by `seed`; None for all.
        scorer: the scorer of the similarity to prompts: pocket, or CLIP's folder.
        allow_few: computes a measure even if there are fewer pictures than it needs.
        seed: seed of all random choices.
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
        if not self.paintings:
            raise UsageError("there is nothing to evaluate: name one folder of paintings or more")
        check_measures(self.measures)
        if self.count is not None and self.count < 2:
            raise UsageError(f"count {self.count}: use 2 or more")
        return self

    def run(self, context: Context) -> Evaluation:
        """Computes the features of all pictures, each once, and the measures; notes are reported and part of the result.

        Raises:
            UsageError, MissingPart, ImpastoError: a folder does not exist or holds nothing usable; nothing can be measured.
            StoppedError: the job was stopped; computed features are kept.
        """
        for folder in (*self.paintings, self.against):
            if not folder.is_dir():
                raise UsageError(f"{folder}: there is no such folder")
        from impasto.evaluation.estimate import Refused
        from impasto.evaluation.features import INCEPTION
        from impasto.evaluation.judgement import MEASURES, Judging

        # The Inception score needs Inception's features; only a user who requests it sees that message.
        usual = tuple(one for one in MEASURES if one != "inception-score" or self.features == INCEPTION)
        chosen = usual if self.measures is None else tuple(dict.fromkeys(self.measures))
        question = Question(
            list(self.paintings), self.against, self.features, self.weights, self.artist, self.held_out, self.count,
            self.scorer, self.device,
        )  # fmt: skip
        try:
            found = evaluate_folders(question, Judging(chosen, self.allow_few, self.seed), context.progress, context.spread)
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again; what was looked at is kept") from None
        for note in found.notes:
            context.note(note)
        refused = [one.reason for judged in found.judged for one in judged.measures.values() if isinstance(one, Refused)]
        if len(refused) == sum(len(judged.measures) for judged in found.judged):
            raise ImpastoError(f"nothing could be measured: {refused[0]}")
        return found
