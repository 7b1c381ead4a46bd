"""The job `caption`: writes captions for the pictures of a catalogue."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator

from impasto.errors import StoppedError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, check_number, note_report

if TYPE_CHECKING:
    from impasto.data.annotations.caption_work import Models
    from impasto.data.annotations.captioning import CaptionOutcome
    from impasto.vision.taggers.interface import EncodingTagger


@dataclass(frozen=True)
class Captioned:
    """The result of captioning, and the names of the captioner and of the tagger whose tags it was told."""

    outcome: "CaptionOutcome"
    captioner: str
    tagger: str


class CaptionJob(Job):
    """Captions every picture that has no text yet. After a kill, running it again resumes.

    Attributes:
        catalogue: the catalogue's folder.
        captioner: "pocket", "tag2text", "blip", "blip2", "git", "florence2", or a model's file, folder or hub name; None for
            pocket.
        tagger: the tagger whose tags the captioner is told and captions may not contradict, as for `TagJob`; None for
            Tag2Text's own if it captions, otherwise pocket.
        scorer: the scorer that chooses among candidates: "pocket", or a folder with CLIP; None for pocket.
        candidates: number of candidate captions for each picture, 1 to 24.
        all_pictures: also captions pictures that already have a text, which keeps precedence.
        most: number of pictures after which the job ends; None for all.
        seed: seed of the sampling; the same seed gives the same captions.
    """

    kind: ClassVar[str] = "caption"

    catalogue: Path
    captioner: str | None = None
    tagger: str | None = None
    scorer: str | None = None
    candidates: int = 3
    all_pictures: bool = False
    most: int | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> "CaptionJob":
        check_number("--candidates", self.candidates, 1, 24)
        check_number("--most", self.most, 1)
        check_number("--seed", self.seed, 0)
        return self

    def run(self, context: Context) -> Captioned:
        """Captions the pictures and notes those that cannot be read.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such folder, captioner, tagger or scorer; a log cannot be
                written.
            StoppedError: the job was stopped.
        """
        check_catalogue(self.catalogue)
        from impasto.vision.captioners.check import check_captioner

        check_captioner(self.captioner)  # before the imports that take seconds
        from impasto.data.annotations.caption_work import CaptionWork, names_of
        from impasto.data.annotations.captioning import Asked, write_captions
        from impasto.data.annotations.tag_vocabulary import tag_vocabulary

        work = CaptionWork(
            CaptionModels(self.captioner, self.tagger, self.scorer), tuple(tag_vocabulary()), self.candidates, self.seed
        )
        asked = Asked(self.all_pictures, self.most)
        count, counted = context.count("pictures"), (0, 0)

        def tell(done: int, of: int) -> None:
            nonlocal counted
            counted = done, of
            count(done, of)

        try:
            names = names_of(work, context.spread)
            outcome = write_captions(self.catalogue, work, names, asked, tell, context.spread)
        except KeyboardInterrupt:
            done, of = counted
            told = f"{done} of {of} pictures are done" if of else "no picture is done yet"
            raise StoppedError(f"stopped: {told}, and the same command goes on from there") from None
        note_report(outcome.report, context)
        return Captioned(outcome, names.captioner, names.tagger)


@dataclass(frozen=True)
class CaptionModels:
    """The names of captioner, tagger and scorer, as `CaptionJob` has them; calling it loads them."""

    captioner: str | None
    tagger: str | None
    scorer: str | None

    def __call__(self) -> "Models":
        """Loads the models.

        Raises:
            UsageError, MissingPart, ImpastoError: there is no such captioner, tagger or scorer.
        """
        from impasto.data.annotations.caption_work import Models
        from impasto.vision.captioners.load import load_captioner
        from impasto.vision.captioners.tag2text import Tag2TextCaptioner
        from impasto.vision.scorers.interface import load_scorer

        # The captioner last, since it takes longest: a wrong name of the others is told at once.
        scorer = load_scorer(self.scorer)
        named = self._load_tagger() if self.tagger is not None else None
        captioner = load_captioner(self.captioner)
        if named is not None:
            tagger = named
        else:
            tagger = captioner.tagger if isinstance(captioner, Tag2TextCaptioner) else self._load_tagger()
        return Models(captioner, tagger, scorer)

    def _load_tagger(self) -> "EncodingTagger":
        from impasto.data.annotations.tag_vocabulary import tag_vocabulary
        from impasto.vision.taggers.load import load_tagger, zero_shot_tagger

        if self.tagger == "zero-shot":
            return zero_shot_tagger([tag.name for tag in tag_vocabulary()], self.scorer)
        return load_tagger(self.tagger)
