"""Makes training captions for pictures without captions, from their titles and from the tags that the titles imply.

Titles of paintings are not captions: they name sitters, places and dates. A title is used if every word of it is one that
the handbook or the tag vocabulary uses for visible things. For other titles, the tags that they imply become a phrase.
"""

import random
import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from impasto.data.annotations.tag_phrase import tags_as_phrase
from impasto.data.annotations.tag_vocabulary import Tag
from impasto.prompts.knowledge.handbook import handbook

# Maps the catalogue's genres to the vocabulary's kinds of picture.
KINDS = {
    "landscape": "landscape", "portrait": "portrait", "self portrait": "self-portrait", "self-portrait": "self-portrait",
    "cityscape": "cityscape", "still life": "still life", "marina": "seascape", "genre painting": "genre scene",
    "religious painting": "religious painting", "mythological painting": "mythological scene", "nude painting (nu)": "nude",
    "nude painting": "nude", "flower painting": "flower piece", "interior": "interior", "pastorale": "pastoral scene",
    "battle painting": "battle", "allegorical painting": "allegory", "history painting": "history painting",
    "illustration": "illustration", "poster": "poster", "caricature": "caricature", "sketch and study": "sketch",
    "abstract painting": "abstract", "abstract": "abstract", "capriccio": "landscape", "vanitas": "vanitas",
}  # fmt: skip
_NOISE = re.compile(r"\([^)]*\)|\b(?:study|sketch|detail|fragment|variant|version|copy)(?: (?:for|of|to|from))?\b|[0-9]+")
_SMALL_WORDS = "a an and at before behind between by for from her his in into its near of on over the their to under with"
_SMALL = frozenset(_SMALL_WORDS.split())


@cache
def plain_words() -> frozenset[str]:
    """Returns the words for visible things: those that the handbook writes in lower case, and those of the tags."""
    from impasto.data.annotations.tag_vocabulary import tag_vocabulary

    said = " ".join(entry.body for entry in handbook())
    small = set(re.findall(r"(?<![.!?] )(?<!^)\b[a-z]+\b", said))
    tags = {word for tag in tag_vocabulary() for word in re.findall(r"[a-z]+", tag.name)}
    return frozenset(small | tags | {f"{word}s" for word in tags})


def title_as_caption(title: str) -> str:
    """Returns the title in lower case if it names only visible things, else ""."""
    text = " ".join(_NOISE.sub(" ", title.casefold()).split()).strip(" .,;:-")
    words = re.findall(r"[^\W_]+", text)
    telling = [word for word in words if word not in _SMALL]
    if len(telling) < 2 or len(words) > 14 or text.split()[-1] in _SMALL:
        return ""
    return text if all(word in plain_words() for word in telling) else ""


def draw_tags(labels: np.ndarray, tags: Sequence[Tag], draw: random.Random, *, most: int, least: float = 0.12) -> list[Tag]:
    """Draws a picture's tags for one training example, each by its probability, the likeliest first. `labels`: [tags]."""
    order = np.argsort(-labels, kind="stable")[: 3 * most]
    chosen = [tags[n] for n in order if labels[n] >= least and draw.random() < labels[n]]
    return chosen[:most]


def draw_caption(title: str, genre: str, drawn: Sequence[Tag], kinds: dict[str, Tag], draw: random.Random) -> str:
    """Draws a caption for a picture: its title if that is usable, or its tags as a phrase; "" if there is neither."""
    plain = title_as_caption(title)
    kind = kinds.get(KINDS.get(genre, "")) if genre != "genre painting" else None
    others = [tag for tag in drawn if tag.category != "kind of picture"]
    phrase = tags_as_phrase([*([kind] if kind is not None else []), *others]) if others else ""
    if plain and (not phrase or draw.random() < 0.6):
        named = kind is None or kind.name in plain or draw.random() < 0.5
        return plain if named or kind is None else f"{kind.name}: {plain}"
    return phrase
