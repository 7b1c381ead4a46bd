"""The job `instructions`: makes pairs of pictures with the instruction that leads from one to the other."""

import hashlib
import math
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import model_validator

from impasto.errors import ImpastoError, StoppedError, UsageError
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.checks import check_catalogue, check_number
from impasto.jobs.disk import check_writable
from impasto.jobs.painting.setup import PaintingSetup

if TYPE_CHECKING:
    from impasto.data.instruction_pairs import InstructionPairs
    from impasto.painting.painter import Painter
    from impasto.painting.painting import Painting
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition
    from impasto.prompts.instructions import Instruction
    from impasto.vision.scorers.interface import TextImageScorer

LARGEST_COUNT, MOST_TRIES = 1_000_000, 16
# Least direction, likeness and fit: of Brooks et al. (2023, section 3.1.2) with CLIP, and for the pocket scorer, whose
# numbers are smaller (docs/instruct.md).
_CLIP, _POCKET = (0.2, 0.7, 0.2), (0.05, 0.4, 0.0)
_MOST_ATTEMPTS = 20  # for each pair that is asked for
_LONGEST_SCENE = 200  # characters of a caption
_PAINTERS_OF_A_SCENE = 8
DIRECTION, LIKENESS, FIT, LENGTH = "direction", "likeness", "fit", "length"


@dataclass(frozen=True)
class MadePairs:
    """The result.

    Attributes:
        folder: the catalogue of pairs.
        kept: number of pairs in it.
        new: how many of them this job made.
        refused: reason -> how many attempts were refused for it, in all.
        direction, likeness, fit: the thresholds.
    """

    folder: Path
    kept: int
    new: int
    refused: dict[str, int]
    direction: float
    likeness: float
    fit: float


@dataclass(frozen=True)
class _Making:
    """What all attempts share."""

    painter: "Painter"
    scorer: "TextImageScorer"
    draft: "PaintRequest"
    scenes: "list[Condition]"
    painters: list[str]
    least: dict[str, float]


class InstructionsJob(Job):
    """Makes pairs of pictures with instructions, as InstructPix2Pix's authors do with GPT-3 and Stable Diffusion.

    Templates and the parts of prompts give an instruction, with a text before and after; prompt-to-prompt paints both; a
    scorer keeps the pairs whose pictures changed as their texts did. The same job goes on where it was stopped.

    Attributes:
        out: the folder of pairs, a catalogue for `impasto train instruct`.
        count: number of pairs that the folder holds in the end.
        catalogue: a catalogue whose captions are the scenes; None for `impasto.prompts.instructions.SCENES`.
        instruction: the kinds of instructions; none for all.
        tries: number of edits of each picture, each with another share of attention in common; the best is kept.
        checkpoint: what paints.
        scorer: what judges: "pocket", the output of `impasto train pocket-scorer`, or CLIP; None for "pocket".
        min_direction: the least directional similarity of a pair, -1 .. 1; None for the usual one of the scorer.
        min_likeness: the least likeness of its pictures, -1 .. 1; None for the usual one.
        min_fit: the least likeness of either picture to its text, -1 .. 1; None for the usual one.
        sampler, steps, guidance: None for the checkpoint's.
        seed: of everything that is drawn.
    """

    kind: ClassVar[str] = "instructions"

    out: Path
    count: int = 100
    catalogue: Path | None = None
    instruction: tuple[str, ...] = ()
    tries: int = 4
    checkpoint: str = "pocket"
    scorer: str | None = None
    min_direction: float | None = None
    min_likeness: float | None = None
    min_fit: float | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int = 0
    device: str = "auto"

    @model_validator(mode="after")
    def _check(self) -> "InstructionsJob":
        from impasto.prompts.instructions import check_kinds

        check_number("--count", self.count, 1, LARGEST_COUNT)
        check_number("--tries", self.tries, 1, MOST_TRIES)
        check_number("--seed", self.seed, 0, 2**63 - 1)
        for name in ("min_direction", "min_likeness", "min_fit"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and -1 <= value <= 1):
                raise UsageError(f"--{name.replace('_', '-')} {value:g}: use -1 to 1")
        check_kinds(self.instruction)
        self._draft(128, None)
        return self

    def run(self, context: Context) -> MadePairs:
        """Makes the pairs that are lacking.

        Raises:
            UsageError: the folder holds other things; the checkpoint does not paint from text.
            MissingPart, ImpastoError: the checkpoint or the scorer is not there; no caption; a file cannot be written.
            StoppedError: the job was stopped; what was made is kept.
        """
        from impasto.data.instruction_pairs import InstructionPairs
        from impasto.vision.scorers.interface import check_scorer, load_scorer

        check_scorer(self.scorer)
        check_writable(self.out)
        scenes = self._scenes()
        setup = PaintingSetup.check(self.checkpoint, self.device, "fp32")
        draft = self._draft(setup.side, setup.painting_defaults)
        context.progress("loading", 0.0)
        painter = setup.painter([draft], context)
        painters = _painters(setup)
        scenes = scenes or _scenes_by(painters)
        scorer = load_scorer(self.scorer)
        making = _Making(painter, scorer, draft, scenes, painters, self._least(scorer))
        with InstructionPairs(self.out, self._settings(making)) as pairs:
            before = pairs.kept
            try:
                while pairs.kept < self.count and pairs.next < _MOST_ATTEMPTS * self.count:
                    self._attempt(pairs, making, context)
            except KeyboardInterrupt:
                raise StoppedError(
                    f"stopped: {pairs.kept} of {self.count} pairs are kept in {self.out}; the same command goes on"
                ) from None
            if pairs.kept < self.count:
                context.note(
                    f"{pairs.next} attempts gave {pairs.kept} of {self.count} pairs: lower --min-direction, or raise --tries"
                )
            return MadePairs(self.out, pairs.kept, pairs.kept - before, dict(pairs.refused), **making.least)

    def _attempt(self, pairs: "InstructionPairs", making: _Making, context: Context) -> None:
        """Paints a picture and its edits, and keeps the best pair, or notes why there is none."""
        from impasto.prompts.instructions import KINDS, instruct

        number = pairs.next
        rng = random.Random(f"{self.seed}/{number}")
        kinds = self.instruction or tuple(KINDS)
        made = instruct(kinds[number % len(kinds)], rng.choice(making.scenes), rng, making.painters)
        request = replace(making.draft, condition=made.before, seed=rng.randrange(2**32))
        shares = sorted(rng.uniform(0.1, 0.9) for _ in range(self.tries))
        edits = [_edited(request, made, share) for share in shares]
        said = f"{pairs.kept} of {self.count} pairs"
        row: dict[str, Any] = {
            "text": made.texts[0], "captions": list(made.texts[1:]), "instruction_kind": made.kind,
            "text_before": made.before.text(), "text_after": made.after.text(), "seed": request.seed,
        }  # fmt: skip
        done = (pairs.kept, self.count)
        try:
            painted = making.painter.words.together(
                request, edits, lambda step, of: context.progress(said, (done[0] + step / of) / done[1])
            )
        except UsageError as error:
            if "lie behind" not in str(error) and "lies behind" not in str(error):
                raise
            pairs.refuse(number, LENGTH, row)
            return
        best, figures, reason = self._judge(painted, made, making)
        row |= figures | {"attention": round(shares[best], 3)}
        if reason:
            pairs.refuse(number, reason, row)
            return
        files = pairs.files(number)
        for painting, file in zip((painted[0], painted[best + 1]), files, strict=True):
            painting.save(file, overwrite=True)
        pairs.keep(number, row)

    def _judge(
        self, painted: "list[Painting]", made: "Instruction", making: _Making
    ) -> tuple[int, dict[str, float], str]:
        """Returns the best edit's number, its figures, and why it is refused, or ""."""
        import numpy as np

        from impasto.vision.scorers.directional import directional_similarity

        pictures = making.scorer.embed_images([painting.image for painting in painted])
        texts = making.scorer.embed_texts([made.before.text(), made.after.text()])
        directions = directional_similarity(pictures[:1], pictures[1:], texts[:1], texts[1:])
        likenesses = pictures[1:] @ pictures[0]
        fits = np.minimum(pictures[1:] @ texts[1], pictures[0] @ texts[0])
        values = {DIRECTION: directions, LIKENESS: likenesses, FIT: fits}
        passed = np.all([found >= making.least[name] for name, found in values.items()], axis=0)
        best = int(np.argmax(np.where(passed, directions + 2, directions)))
        figures = {name: round(float(found[best]), 4) for name, found in values.items()}
        failed = [name for name, found in values.items() if found[best] < making.least[name]]
        return best, figures, failed[0] if failed else ""

    def _draft(self, side: int, defaults: Any) -> "PaintRequest":
        from impasto.painting.defaults import NO_DEFAULTS, choose_sampling
        from impasto.painting.guidance.record import USUAL
        from impasto.painting.request import PaintRequest
        from impasto.prompts.condition import Condition

        found = choose_sampling(
            defaults or NO_DEFAULTS, sampler=self.sampler, steps=self.steps, guidance=self.guidance, guider=USUAL
        )
        return PaintRequest(
            Condition("a scene"), sampler=found.sampler, steps=found.steps, guidance=found.guidance, width=side, height=side,
            memory="none",
        )  # fmt: skip

    def _least(self, scorer: "TextImageScorer") -> dict[str, float]:
        from impasto.vision.scorers.pocket import PocketScorer

        usual = _POCKET if isinstance(scorer, PocketScorer) else _CLIP
        given = {DIRECTION: self.min_direction, LIKENESS: self.min_likeness, FIT: self.min_fit}
        return {
            name: value if asked is None else asked for (name, asked), value in zip(given.items(), usual, strict=True)
        }

    def _settings(self, making: _Making) -> dict[str, Any]:
        scenes = hashlib.sha256("\n".join(scene.text() for scene in making.scenes).encode()).hexdigest()
        draft, parts = making.draft, making.painter.components
        return {
            "checkpoint": parts.base_name, "checkpoint_hash": parts.base_hash, "scenes": scenes[:16], "seed": self.seed,
            "kinds": list(self.instruction), "tries": self.tries, "sampler": draft.sampler, "steps": draft.steps,
            "guidance": float(draft.guidance), "size": draft.width, "scorer": making.scorer.identity,
            **{f"min_{name}": round(value, 6) for name, value in making.least.items()},
        }  # fmt: skip

    def _scenes(self) -> "list[Condition]":
        """Returns the catalogue's captions, with their painters unless these may be alive; none without a catalogue."""
        if self.catalogue is None:
            return []
        from impasto.data.catalogue.read import read_catalogue
        from impasto.prompts.condition import Condition
        from impasto.prompts.living import life_of, life_of_columns

        check_catalogue(self.catalogue)
        found = []
        for entry in read_catalogue(self.catalogue, check_images=False).entries:
            if 0 < len(entry.caption) <= _LONGEST_SCENE:
                alive = (life_of_columns(entry.extra) or life_of(entry.artist)).is_living()
                found.append(Condition(" ".join(entry.caption.split()), artist="" if alive else entry.artist))
        if not found:
            raise ImpastoError(f"{self.catalogue} has no captions to paint: `impasto data caption` writes them")
        return found


def _edited(request: "PaintRequest", made: "Instruction", share: float) -> "PaintRequest":
    from impasto.painting.prompt_to_prompt.record import WordsNote

    words = WordsNote(request.condition.text(), made.swaps, cross=share, itself=share)
    return replace(request, condition=made.after, words=words)


def _painters(setup: PaintingSetup) -> list[str]:
    """Returns the checkpoint's painters, or the handbook's; nobody who is dated as living."""
    from impasto.prompts.living import life_of
    from impasto.prompts.parts import known_values

    listed = [row["name"] for row in setup.artists if not life_of(row["name"], row).is_living()]
    return listed if len(listed) > 1 else list(known_values("artist"))


def _scenes_by(painters: list[str]) -> "list[Condition]":
    """Returns our own scenes, each by many painters and without one."""
    from impasto.prompts.condition import Condition
    from impasto.prompts.instructions import SCENES

    rng = random.Random(0)
    return [
        Condition(scene, artist=painter)
        for scene in SCENES
        for painter in ("", "", *rng.sample(painters, min(len(painters), _PAINTERS_OF_A_SCENE)))
    ]
