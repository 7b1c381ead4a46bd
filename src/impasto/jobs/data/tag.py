"""The job `tag`: tags the content of each picture with a fixed vocabulary."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, check_number, note_report

if TYPE_CHECKING:
    from impasto.data.annotations.tagging import TagOutcome
    from impasto.vision.taggers.interface import Tagger


@dataclass(frozen=True)
class Tagged:
    """The result of tagging, and the tagger's name."""

    outcome: "TagOutcome"
    tagger: str


class TagJob(Job):
    """Tags every picture that has no tags yet. After a kill, running it again resumes.

    Attributes:
        catalogue: the catalogue's folder.
        tagger: "pocket", "zero-shot", "ram", "ram++", "tag2text", the path of one of these files, or an image classifier's
            folder or hub name; None for zero-shot if `scorer` or `vocabulary` is given, otherwise pocket.
        scorer: for zero-shot, the scorer that compares pictures with tags: "pocket", or a folder with CLIP; None for
            pocket.
        vocabulary: a file of tags, one per line; None for the tags that ship.
        at_least: one probability threshold for all tags, 0 to 1; None for each tag's own threshold.
        most: maximal number of tags of a picture.
    """

    kind: ClassVar[str] = "tag"

    catalogue: Path
    tagger: str | None = None
    scorer: str | None = None
    vocabulary: Path | None = None
    at_least: float | None = None
    most: int = 12

    @model_validator(mode="after")
    def _check(self) -> "TagJob":
        if self.tagger not in (None, "zero-shot") and (self.scorer is not None or self.vocabulary is not None):
            raise UsageError("--tagger brings its own tags: leave out --scorer and --vocabulary")
        if self.at_least is not None and not 0 <= self.at_least <= 1:
            raise UsageError(f"--at-least {self.at_least:g}: a probability lies between 0 and 1")
        check_number("--most", self.most, 1)
        return self

    def run(self, context: Context) -> Tagged:
        """Tags the pictures and notes those that cannot be read.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder, tagger, scorer or vocabulary; a log cannot be
                written.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        from impasto.data.annotations.tagging import tag_catalogue

        tagger = self._load()
        try:
            outcome = tag_catalogue(
                self.catalogue,
                tagger,
                at_least=self.at_least,
                most=self.most,
                on_progress=context.count("pictures"),
                spread=context.spread,
            )
        except KeyboardInterrupt:
            raise StoppedError("stopped: run the same command again to go on; what was tagged is kept") from None
        note_report(outcome.report, context)
        return Tagged(outcome, tagger.name)

    def _load(self) -> "Tagger":
        from impasto.data.annotations.tag_vocabulary import tag_vocabulary
        from impasto.vision.taggers.load import load_tagger, zero_shot_tagger

        if self.tagger == "zero-shot" or self.scorer is not None or self.vocabulary is not None:
            return zero_shot_tagger([tag.name for tag in tag_vocabulary(self.vocabulary)], self.scorer)
        return load_tagger(self.tagger)
