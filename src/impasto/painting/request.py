"""The `PaintRequest` class: all settings of one picture to paint, checked before any work starts."""

import math
import unicodedata
from dataclasses import dataclass, field

from impasto.errors import UsageError
from impasto.painting.best_of.record import BestOf
from impasto.painting.control.control import Control
from impasto.painting.copies.record import CopyCheck
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.trained_for import INSTRUCT
from impasto.painting.guidance.guiders import check_guider, find_guider
from impasto.painting.guidance.record import USUAL, Interval
from impasto.painting.guides.guide import Guide, check_guides
from impasto.painting.memory.record import OWN, Like, MemoryUse
from impasto.painting.prompt_to_prompt.record import WordsNote
from impasto.painting.provenance.extension import ExtensionNote
from impasto.painting.safety.record import SafetyNote
from impasto.painting.samplers import find_sampler
from impasto.prompts.condition import Condition
from impasto.prompts.weights import LoraTag, Weights, pieces_of, weighted_text

MAX_PROMPT = 2000
MAX_STEPS = 1000
MAX_GUIDANCE = 50.0
SMALLEST, LARGEST, MULTIPLE = 64, 2048, 8
LARGEST_SEED = 2**63 - 1
INSTRUCTED_BY = ("cfg", "interval", "apg")


@dataclass(frozen=True)
class PaintRequest:
    """The settings of one picture to paint.

    Attributes:
        condition: everything the text encoder receives. It may be empty only with guidance 0, where it has no
            effect.
        negative: the negative prompt; "" is the empty text of classifier-free guidance.
        seed: 0 .. 2**63 - 1, of this picture's own CPU generator.
        sampler: a key of `samplers.SAMPLERS`.
        steps: 1 .. 1000.
        guidance: the guider's w, 0 .. 50, or with cfg++ 0 .. 1. With cfg, 1 follows the condition as it is, 0 ignores it.
        guider: a key of `guidance.guiders.GUIDERS`.
        guidance_interval: only with the guider `interval`: the shares of the timesteps, 0 (clean) to 1 (noise), between
            which it guides; None takes `USUAL_INTERVAL`.
        eta: 0 .. 1, only with `ddim`.
        width, height: pixels, multiples of 8 in 64 .. 2048.
        prompt: the prompt as the user typed it, if wildcards or an expansion turned it into another caption. It is used
            only for the record inside the picture.
        expansion: the expanded prompt that was chosen; the caption is then the same text.
        memory: the memory to retrieve works from: `OWN`, the checkpoint's if it has any; `NONE`; or a folder of pictures.
        like: reference pictures that the painting should resemble.
        looked_at: the works and pictures used when it was painted before; they are used again unchanged.
        copy_check: the result of comparing this same picture with training pictures when it was painted before. It is used
            only for the record inside the picture.
        extension: which of the extensions `expansion` is; only for the record.
        best_of: the paintings among which this one was chosen before; only for the record.
        safety: what a safety checker found in this same picture when it was painted before; only for the record.
        weights: the caption and the negative prompt with the weights of their words; None if no word has one. `condition`
            and `negative` hold the words alone.
        negative_prompt: the negative prompt as it was typed, if it is another text than `negative`; only for the record.
        edit: the picture that it starts from; its size then need not be a multiple of 8.
        controls: pictures whose maps it follows.
        guides: models whose gradients lead its steps.
        words: the text of another picture of the same seed, whose layout it keeps.
        tags: the LoRAs that the prompt asks for. A painter does not look at them: the jobs merge them before.

    Raises:
        UsageError: a value is out of its range; the message names it.
    """

    condition: Condition
    negative: str = ""
    seed: int = 0
    sampler: str = "dpm++"
    steps: int = 25
    guidance: float = 5.0
    guider: str = USUAL
    guidance_interval: Interval | None = None
    eta: float = 0.0
    width: int = 128
    height: int = 128
    prompt: str = ""
    expansion: str | None = None
    memory: str = OWN
    like: tuple[Like, ...] = ()
    looked_at: MemoryUse | None = None
    copy_check: CopyCheck | None = field(default=None, compare=False, repr=False)
    extension: ExtensionNote | None = field(default=None, compare=False, repr=False)
    best_of: BestOf | None = field(default=None, compare=False, repr=False)
    safety: SafetyNote | None = field(default=None, compare=False, repr=False)
    weights: Weights | None = None
    negative_prompt: str | None = None
    edit: Edit | None = None
    controls: tuple[Control, ...] = ()
    guides: tuple[Guide, ...] = ()
    words: WordsNote | None = None
    tags: tuple[LoraTag, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        check_text("prompt", self.condition.text())
        check_text("negative prompt", self.negative)
        check_text("prompt", self.prompt)
        check_text("expansion", self.expansion or "")
        for text in (self.weights.prompt, self.weights.negative) if self.weights is not None else ():
            check_text("prompt with its weights", text)
        check_text("negative prompt", self.negative_prompt or "")
        check_text("memory", self.memory)
        check_text("source prompt", "" if self.words is None else self.words.source)
        _whole("seed", self.seed, 0, LARGEST_SEED)
        find_sampler(self.sampler)
        _whole("steps", self.steps, 1, MAX_STEPS)
        _number("guidance", self.guidance, 0.0, MAX_GUIDANCE)
        _number("eta", self.eta, 0.0, 1.0)
        if self.eta and self.sampler != "ddim":
            raise UsageError(
                f"eta {self.eta:g} has a meaning for ddim only, not for {self.sampler}: leave it at 0"
            )
        check_guider(
            self.guider, guidance=self.guidance, sampler=self.sampler, negative=self.negative, eta=self.eta,
            between=self.guidance_interval,
        )  # fmt: skip
        check_guides(self.guides)
        if self.controls and self.edit is not None:
            masked = self.edit.masked
            if self.edit.sides is not None or (masked is not None and masked.padding is not None):
                raise UsageError("a control is for the whole picture: leave it, or --only-masked and outpaint, away")
        if self.method == INSTRUCT:
            if self.controls:
                raise UsageError("a U-Net that follows instructions takes no control: leave --control away")
            check_instructed_by(self.guider)
        if self.edit is not None:
            self.edit.check_size(self.width, self.height)
        for name in ("width", "height") if self.edit is None else ():
            _whole(name, getattr(self, name), SMALLEST, LARGEST, MULTIPLE)
        if self.guidance > 0 and not self.condition.text().strip() and not self.like:
            raise UsageError("nothing to paint: give a prompt, an artist, or a picture to be like")

    @property
    def method(self) -> str:
        """The method of inpainting; "instruct" if the prompt is an instruction; else ""."""
        if self.edit is not None and self.edit.image_guidance is not None:
            return INSTRUCT
        return self.edit.masked.method if self.edit is not None and self.edit.masked is not None else ""

    @property
    def sides(self) -> tuple[bool, bool]:
        """Which predictions are needed: (the condition's, the one it is led away from). An instruction needs both."""
        return (True, True) if self.method == INSTRUCT else find_guider(self.guider).sides(self.guidance)

    @property
    def weighted_prompt(self) -> str:
        """The whole text of the condition with its weights, in A1111's syntax; "" if no word has a weight."""
        if self.weights is None or not self.weights.prompt:
            return ""
        return weighted_text(self.condition, self.weights.prompt)

    @property
    def weighted_negative(self) -> str:
        """The negative prompt with its weights; "" if no word has one."""
        return "" if self.weights is None else self.weights.negative

    @property
    def text_counts(self) -> tuple[int, int]:
        """The numbers of texts between BREAKs in the prompt and in the negative prompt; each is encoded on its own."""
        prompt, negative = self.weighted_prompt, self.weighted_negative
        return len(pieces_of(prompt)) if prompt else 1, len(pieces_of(negative)) if negative else 1


def check_instructed_by(guider: str) -> None:
    """Raises UsageError if instructions are not followed with this guider."""
    find_guider(guider)
    if guider not in INSTRUCTED_BY:
        raise UsageError(f"instructions are followed with the guiders {', '.join(INSTRUCTED_BY)}, not with {guider}")


def check_text(name: str, text: str) -> None:
    """Reject a text that is too long for a prompt or contains characters that do not print.

    Raises:
        UsageError: more than 2000 characters, or a control character or lone surrogate.
    """
    if not isinstance(text, str):
        raise UsageError(f"the {name} must be text, not {type(text).__name__}")
    if len(text) > MAX_PROMPT:
        raise UsageError(f"the {name} has {len(text)} characters: use at most {MAX_PROMPT}")
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise UsageError(
                f"the {name} holds control character U+{ord(character):04X} at {place}: remove it"
            )


def _whole(name: str, value: object, least: int, most: int, multiple: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{name} {value!r}: use a whole number")
    if not least <= value <= most:
        raise UsageError(f"{name} {value}: use {least} to {most}")
    if value % multiple:
        raise UsageError(f"{name} {value}: use a multiple of {multiple}, such as {value - value % multiple}")


def _number(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{name} {value!r}: use a number from {least:g} to {most:g}")
    if not least <= value <= most:
        raise UsageError(f"{name} {value:g}: use {least:g} to {most:g}")
