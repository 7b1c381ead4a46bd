"""Draws random training texts of a picture: from its title, its tags and its caption, alone and combined.

Descriptive texts are the largest single effect in a published ablation of small models (PRX: Fréchet 18 against 37 with
one-line titles). Long and short texts are mixed, since people type both.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.tag_phrase import tags_as_phrase
from impasto.data.annotations.tag_vocabulary import Tag, tag_vocabulary
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.prompts.condition import Condition
from impasto.training.examples.caption_texts import title_as_caption

_LEAST = 0.15  # lowest probability of a tag that is used


@dataclass(frozen=True)
class PictureWords:
    """All text data of a picture: its catalogue entry, its caption and its tags.

    Attributes:
        tags: the tagger's tags with their probabilities, the likeliest first.
    """

    entry: CatalogueEntry
    caption: str = ""
    tags: tuple[tuple[str, float], ...] = field(default=())


def words_of_catalogue(catalogue: Path, entries: list[CatalogueEntry]) -> list[PictureWords]:
    """Returns the text data of `entries`, with the annotations in the logs of `catalogue` for the files' present content."""
    tags, captions = (AnnotationLog(catalogue, kind).latest() for kind in ("tags", "captions"))
    found = []
    for entry in entries:
        content = content_of(entry.file) if entry.file_name in tags or entry.file_name in captions else ""
        rows = [log.get(entry.file_name, {}) for log in (tags, captions)]
        tagged, captioned = (row if row.get("content") == content else {} for row in rows)
        pairs = tuple((str(name), float(p)) for name, p in tagged.get("tags", []))
        found.append(PictureWords(entry, entry.caption or str(captioned.get("caption") or ""), pairs))
    return found


class TextDrawer:
    """Draws random texts of pictures."""

    def __init__(self) -> None:
        self._tags: dict[str, Tag] = {tag.name: tag for tag in tag_vocabulary()}

    def draw(self, words: PictureWords, draw: random.Random, *, long: bool = False) -> str:
        """Draws one text: it always describes the content; artist, year, style and genre are each left out in three of ten.

        Args:
            long: whether to use all that is known of the content, as expanded prompts do, or else one part of it.
        """
        entry = words.entry
        title = title_as_caption(entry.title) if entry.title else ""
        phrase = self._phrase(words, draw, most=8 if long else draw.randint(1, 5))
        parts = [part for part in (words.caption, title, phrase) if part]
        if not parts:
            parts = [entry.title] if entry.title else []
        if long:
            draw.shuffle(parts)
            seen = ", ".join(dict.fromkeys(parts))
        else:
            seen = self._short(words, title, phrase, draw)
        known = Condition(artist=entry.artist, year=entry.year, style=entry.style, genre=entry.genre)
        rest = known.drop(draw, all_probability=0.0, field_probability=0.15 if long else 0.3)
        return Condition(**{"caption": seen, **rest.as_dict()}).text()

    def _short(self, words: PictureWords, title: str, phrase: str, draw: random.Random) -> str:
        options = [(words.caption, 5.0), (phrase, 3.0), (title, 3.0), ("" if title else words.entry.title, 1.0)]
        known = [(text, weight) for text, weight in options if text]
        if not known:
            return ""
        return draw.choices([text for text, _ in known], [weight for _, weight in known])[0]

    def _phrase(self, words: PictureWords, draw: random.Random, *, most: int) -> str:
        likely = [name for name, p in words.tags if p >= _LEAST and draw.random() < max(p, 0.5)]
        if not likely and words.tags:
            likely = [words.tags[0][0]]
        return tags_as_phrase([self._tags[name] for name in likely[:most] if name in self._tags])

    def variants(self, words: PictureWords, count: int, seed: int = 0) -> list[str]:
        """Returns `count` short texts, the same in every run."""
        return [self.draw(words, random.Random(f"{seed}/{words.entry.file_name}/{n}")) for n in range(count)]
