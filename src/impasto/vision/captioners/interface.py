"""The interface of captioners, the prompts and hub names of known models, and the cleaning of their captions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from impasto.vision.scorers.interface import ImageEncoder


class Captioner(Protocol):
    """A model that writes captions.

    Attributes:
        name: the name shown to users.
        identity: a hash of the weights, used in the keys of caches of captions.
    """

    name: str
    identity: str

    def caption(
        self,
        images: Sequence[Image.Image],
        *,
        tags: Sequence[Sequence[str]] | None,
        count: int,
        seeds: Sequence[int],
    ) -> list[list[str]]:
        """Returns `count` candidates for each RGB picture, the first one the most probable that was found.

        The same picture, tags and seed give the same texts, alone or in a batch with other pictures. A captioner that takes
        no instructions ignores the tags. A text may be empty if nothing of it is left after cleaning.
        """
        ...


@runtime_checkable
class FeatureCaptioner(Protocol):
    """A captioner that writes from an encoder's vectors, which can be cached, in place of pictures."""

    features: ImageEncoder

    def caption_features(
        self, features: np.ndarray, *, tags: Sequence[Sequence[str]] | None, count: int, seeds: Sequence[int]
    ) -> list[list[str]]:
        """Does the same as `Captioner.caption` for pictures with these vectors [n, width] of `features`."""
        ...


@dataclass(frozen=True)
class Manner:
    """How a kind of model (transformers' `model_type`) is prompted.

    Attributes:
        prompt: the beginning that the caption continues, or the instruction; empty: none.
        tagged_prompt: the instruction if tags are known, which replace `{tags}`; empty: the model takes no tags.
        beams: number of beams of the search for the first candidate (Li et al. 2022 use 3); 1 is greedy.
    """

    prompt: str = ""
    tagged_prompt: str = ""
    beams: int = 3


_TASK = "Say in one plain sentence what is seen in this painting. Do not name a title, an artist or a date."
MANNERS = {
    # This beginning steers a model of photographs towards paintings; it is not part of the caption.
    "blip": Manner("a painting of"),
    "blip-2": Manner("a painting of"),
    "git": Manner(),
    "vision-encoder-decoder": Manner(),
    # One of the questions that the model was trained on; <CAPTION> stands for it in the authors' code (Xiao et al. 2023).
    "florence2": Manner("What does the image describe?"),
}
CHAT = Manner(_TASK, f"{_TASK} It probably shows: {{tags}}.", beams=1)

HUB_NAMES = {
    "blip": "Salesforce/blip-image-captioning-large",
    "blip2": "Salesforce/blip2-opt-2.7b",
    "git": "microsoft/git-large-coco",
    "florence2": "florence-community/Florence-2-base",
}

_KIND = r"(?:(?:oil|acrylic|watercolou?r|old|famous|beautiful|black and white) )*"
_THING = r"(?:painting|picture|image|photo|photograph|artwork|illustration)"
_SHOWS = r"(?:of|shows|showing|depicts|depicting|describes|features)"
# "A painting of", "The image shows", "In this picture we can see": true of every painting, so without information.
_OPENING = re.compile(
    rf"^(?:there is |this is )?(?:an?|the|this) {_KIND}{_THING} {_SHOWS}\b:? *"
    rf"|^in (?:this|the) {_KIND}{_THING},? (?:we can see|we see|there is|there are)\b *",
    re.IGNORECASE,
)
_TWICE = re.compile(r"\b(\w+(?: \w+){0,3})(?: \1\b)+")


def clean_caption(written: str, *, ended: bool = True) -> str:
    """Cleans a caption: one line without a generic opening, words repeated in a row, or quotes around it.

    `ended`: whether the model ended the text. If not, an incomplete last sentence is removed if a complete one precedes it.
    """
    text = "".join(letter if letter.isprintable() else " " for letter in written)
    text = " ".join(text.split()).strip(" \"'“”`*")
    text = _OPENING.sub("", text)
    text = _TWICE.sub(r"\1", text)
    if not ended and ". " in text:
        text = text[: text.rindex(". ") + 1]
    return text.strip()
