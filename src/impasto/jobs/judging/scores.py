"""The job `preference-scores`: computes preference scores from votes between pictures, separately for each question."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context

if TYPE_CHECKING:
    from impasto.evaluation.preference.scores import PreferenceReport


class PreferenceScoresJob(Job):
    """Computes Bradley-Terry scores from logs of votes. Votes on different questions are never combined.

    Attributes:
        logs: the logs of votes.
        question: one of the questions; None for all.
        regularize: adds one tie for each two folders that were compared.
        seed: seed of the resampling for the intervals.
    """

    kind: ClassVar[str] = "preference-scores"

    logs: tuple[Path, ...]
    question: str | None = None
    regularize: bool = False
    seed: int = 0

    def run(self, context: Context) -> "list[PreferenceReport]":
        """Returns a report for each question.

        Raises:
            UsageError: a log does not exist or is not a log of votes; nobody voted on the question.
            ImpastoError: a log cannot be read, or holds no valid vote.
        """
        from impasto.evaluation.preference.scores import score_votes
        from impasto.evaluation.preference.votes import VoteLog, standing_votes

        for path in self.logs:
            if not path.is_file():
                raise UsageError(f"{path}: there is no such log of votes")
        read = [VoteLog(path) for path in self.logs]
        votes = standing_votes(read)
        for log in read:
            if log.broken:
                lines = "line" if log.broken == 1 else "lines"
                context.note(f"{log.path}: {log.broken} {lines} cannot be read and do not count")
        if not votes:
            raise ImpastoError(f"{', '.join(map(str, self.logs))}: no vote that counts")
        questions = list(dict.fromkeys(vote.question for vote in votes))
        if self.question is not None and self.question not in questions:
            raise UsageError(f"nobody voted on {self.question!r}, but on: {' | '.join(questions)}")
        chosen = questions if self.question is None else [self.question]
        return [
            score_votes([vote for vote in votes if vote.question == one], regularize=self.regularize, seed=self.seed)
            for one in chosen
        ]
