"""The `Guide`: a model whose gradient leads a painting's steps, as it is typed: `scorer:150,cutouts=8,until=0.8`."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from impasto.errors import UsageError
from impasto.painting.guides.record import CLASSIFIER, LARGEST_WEIGHT, MOST_CUTOUTS, MOST_GUIDES, SCORER, GuideNote

USUAL_SCORER_WEIGHT, USUAL_CLASSIFIER_SCALE = 150.0, 1.0
USUAL_CUTOUTS = 4
# Of the gradient's root mean square, where it is 1 for the noise: Disco Diffusion's clamp_max is 0.05, for pictures.
USUAL_LIMIT = 0.1
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
# Option of the word -> field.
_OPTIONS = {"from": "start", "until": "until", "cutouts": "cutouts", "smooth": "smooth", "range": "range", "limit": "limit",
            "model": "model"}  # fmt: skip
_SCORER_ONLY = ("cutouts", "smooth", "range", "model")


@dataclass(frozen=True)
class Guide:
    """One guide of a painting. Equal guides give equal paintings of equal requests.

    Attributes:
        kind: "scorer", the gradient of a text-image scorer at the predicted picture; or "classifier", that of a classifier
            of noised latents (Dhariwal and Nichol 2021).
        weight: 0 .. 1,000,000; 0 is no guide.
        model: the scorer, "" for pocket's own; or the classifier's file or folder.
        label: the classifier's label; "" for the artist or style of the condition.
        start, until: the shares of the steps, 0 .. 1, between which it acts.
        cutouts: how many parts of the picture the scorer sees in each step, 1 .. 128.
        smooth, range: weights of the total variation and of the range loss of the picture, 0 or more.
        limit: the largest root mean square of the gradient of one picture; 0 for no limit.
        expected_hash: of the model in the record that is painted again; "" for none.

    Raises:
        UsageError: a value is out of its range.
    """

    kind: str
    weight: float
    model: str = ""
    label: str = ""
    start: float = 0.0
    until: float = 1.0
    cutouts: int = USUAL_CUTOUTS
    smooth: float = 0.0
    range: float = 0.0
    limit: float = USUAL_LIMIT
    expected_hash: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in (SCORER, CLASSIFIER):
            raise UsageError(f"--guide {self.kind}: use scorer or classifier, such as scorer:150")
        if self.kind == CLASSIFIER and not self.model:
            raise UsageError("--guide classifier: name the classifier, as classifier:FILE or classifier:FILE:LABEL")
        for name in ("weight", "smooth", "range", "limit"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= LARGEST_WEIGHT):
                raise UsageError(f"--guide {self.kind}: {name} {value:g}: use 0 to {LARGEST_WEIGHT:,.0f}")
        for name, value in (("from", self.start), ("until", self.until)):
            if not 0 <= value <= 1:
                raise UsageError(f"--guide {self.kind}: {name} {value:g}: use 0 to 1, a share of the steps")
        if self.start > self.until:
            raise UsageError(f"--guide {self.kind}: from {self.start:g} is after until {self.until:g}: it would never act")
        if not 1 <= self.cutouts <= MOST_CUTOUTS:
            raise UsageError(f"--guide {self.kind}: cutouts {self.cutouts}: use 1 to {MOST_CUTOUTS}")

    @property
    def is_of_pictures(self) -> bool:
        """Whether it looks at the decoded picture, so that gradients of the decoder and of the U-Net are needed."""
        return self.kind == SCORER

    @property
    def acts_ever(self) -> bool:
        """Whether it changes a painting."""
        return self.weight > 0 and self.start < self.until

    def acts(self, step: int, steps: int) -> bool:
        """Returns whether it acts in step 0, 1, ... of `steps`; the rule of controls."""
        return self.weight > 0 and step / steps >= self.start and (step + 1) / steps <= self.until

    def note(self, model_hash: str) -> GuideNote:
        """Returns its record."""
        shown = self.is_of_pictures
        return GuideNote(
            self.kind, self.model, model_hash, float(self.weight), self.label, float(self.start), float(self.until),
            self.cutouts if shown else 0, float(self.smooth) if shown else 0.0, float(self.range) if shown else 0.0,
            float(self.limit),
        )  # fmt: skip


def guide_of(note: GuideNote) -> Guide:
    """Returns the guide of a record.

    Raises:
        UsageError: as `Guide`.
    """
    return Guide(
        note.kind, note.weight, note.model, note.label, note.start, note.until, note.cutouts or USUAL_CUTOUTS, note.smooth,
        note.range, note.limit, expected_hash=note.model_hash,
    )  # fmt: skip


def parse_guide(word: str) -> Guide:
    """Reads `scorer`, `scorer:150`, `scorer:150,cutouts=8,until=0.8,model=FOLDER`, `classifier:FILE`,
    `classifier:FILE:LABEL` or `classifier:FILE:LABEL,3`.

    Raises:
        UsageError: it has another form, or a value is out of its range.
    """
    kind, _, rest = word.strip().partition(":")
    kind = kind.strip().casefold()
    if kind not in (SCORER, CLASSIFIER):
        raise UsageError(f"--guide {word}: use scorer:WEIGHT, such as scorer:150, or classifier:FILE[:LABEL][,SCALE]")
    first, *parts = rest.split(",")
    values: dict[str, Any] = {"weight": USUAL_CLASSIFIER_SCALE if kind == CLASSIFIER else USUAL_SCORER_WEIGHT}
    if kind == SCORER:
        parts = [first, *parts] if first.strip() else parts
    else:
        # A label may have commas: "Gogh, Vincent van". What is neither a number nor an option belongs to it.
        while parts and not _NUMBER.fullmatch(parts[0].strip()) and "=" not in parts[0]:
            first = f"{first},{parts.pop(0)}"
        values["model"], _, label = first.partition(":")
        values["label"] = label.strip()
    for place, part in enumerate(parts):
        name, equals, value = (one.strip() for one in part.partition("="))
        if not equals and place == 0 and _NUMBER.fullmatch(name):
            values["weight"] = float(name)
            continue
        if not equals or name not in _OPTIONS or (kind == CLASSIFIER and name in _SCORER_ONLY):
            known = [one for one in _OPTIONS if kind == SCORER or one not in _SCORER_ONLY]
            what = f"{part.strip()!r} is no option of {kind}"
            raise UsageError(f"--guide {word}: {what}: use {', '.join(known)}, as until=0.8")
        values[_OPTIONS[name]] = value if name == "model" else _number(word, name, value)
    return Guide(kind, **values)


def check_guides(guides: tuple[Guide, ...]) -> None:
    """Raises UsageError if there are too many guides."""
    if len(guides) > MOST_GUIDES:
        raise UsageError(f"{len(guides)} guides: use at most {MOST_GUIDES}")


def read_guide_words(guides: Sequence[str | Guide]) -> tuple[Guide, ...]:
    """Returns guides from words or guides.

    Raises:
        UsageError: as `parse_guide`.
    """
    return tuple(parse_guide(one) if isinstance(one, str) else one for one in guides)


def with_weight(word: str, weight: float) -> str:
    """Returns the word of a guide with another weight, as an axis of a sheet changes it.

    Raises:
        UsageError: as `parse_guide`.
    """
    return write_guide(replace(parse_guide(word), weight=weight))


def write_guide(guide: Guide) -> str:
    """Returns the word of a guide, which `parse_guide` reads."""
    usual = Guide(SCORER, 0.0)
    if guide.kind == SCORER:
        words = [f"{SCORER}:{guide.weight!r}"]
    else:
        words = [f"{CLASSIFIER}:{guide.model}{':' + guide.label if guide.label else ''}", repr(guide.weight)]
    for option, name in _OPTIONS.items():
        value = getattr(guide, name)
        if value != getattr(usual, name) and not (guide.kind == CLASSIFIER and option in _SCORER_ONLY):
            words.append(f"{option}={value if isinstance(value, str) else repr(value)}")
    return ",".join(words)


def _number(word: str, name: str, value: str) -> float | int:
    if not _NUMBER.fullmatch(value) or (name == "cutouts" and not value.isdecimal()):
        what = "a whole number" if name == "cutouts" else "a number"
        raise UsageError(f"--guide {word}: {name}={value}: use {what}")
    return int(value[:9]) if name == "cutouts" else float(value)
