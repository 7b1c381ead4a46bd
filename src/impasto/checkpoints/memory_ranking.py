"""Ranks and draws the works of a memory for a prompt: by the pocket scorer, by shared words, and by the picture's seed."""

import hashlib
import math
import random
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from impasto.checkpoints.memory import PaintingMemory
from impasto.files import write_atomically
from impasto.prompts.artists import plain_name
from impasto.settings import cache_folder

if TYPE_CHECKING:
    from impasto.vision.scorers.pocket import PocketScorer

ANCHORS = 12  # the number of best works from which the seed chooses the anchor
NEAREST = 16  # the number of the anchor's neighbours from which the seed chooses the others; training uses as many
WORDS = 0.2  # added to the similarity of a work whose title or caption has all of the prompt's words
_SAME = 0.999  # two codes with a larger cosine are of the same picture
_COMMON = frozenset({"and", "are", "for", "from", "into", "over", "the", "their", "there", "this", "under", "while", "with"})


class Ranking:
    """A search index over the works of one memory. The scorer's vectors of the works are computed once and cached."""

    def __init__(self, memory: PaintingMemory) -> None:
        self.memory = memory
        self._codes = F.normalize(memory.codes, dim=1)
        self._by_artist: dict[str, list[int]] = {}
        for place, work in enumerate(memory.works):
            self._by_artist.setdefault(plain_name(work.artist), []).append(place)
        self._rankings: dict[str, np.ndarray] = {}

    def works_of(self, artist: str) -> list[int]:
        """Returns the artist's works; all works if no artist is given or the memory has none by this artist."""
        own = self._by_artist.get(plain_name(artist), []) if artist.strip() else []
        return own or list(range(len(self.memory.works)))

    def find(self, text: str, words: str, artist: str, seed: int, count: int) -> list[int]:
        """Returns at most `count` works for a prompt, the anchor first. The same arguments give the same works.

        Args:
            text: the text that the scorer compares with the works.
            words: the words to match with titles and captions; the prompt without names.
        """
        draw = random.Random(f"{seed}/memory")
        anchor = draw_anchor(self.best(text, words, artist), draw)
        return [anchor, *self.near(self.memory.codes[anchor], artist, draw, count - 1)]

    def best(self, text: str, words: str, artist: str, count: int = ANCHORS) -> list[int]:
        """Returns the `count` works that fit a prompt best, the best first; the arguments are those of `find`."""
        return self._first(self._marks(text, words), artist, count)

    def best_of_each(
        self, sentences: np.ndarray, prompts: Sequence[tuple[str, str]], count: int = ANCHORS
    ) -> Iterator[list[int]]:
        """Yields `best` of each of many prompts.

        Args:
            sentences: the vectors of the prompts' texts by MiniLM, float32 [n, 384].
            prompts: the words and the artist of each.
        """
        asked = self._scorer.embed_sentences(sentences)
        for vector, (words, artist) in zip(asked, prompts, strict=True):
            yield self._first(self._vectors @ vector + WORDS * self._shared(words), artist, count)

    def _first(self, marks: np.ndarray, artist: str, count: int) -> list[int]:
        """Returns the artist's `count` works with the highest marks."""
        allowed = np.array(self.works_of(artist))
        return allowed[np.argsort(-marks[allowed], kind="stable")[:count]].tolist()

    def near(self, code: torch.Tensor, artist: str, draw: random.Random, count: int) -> list[int]:
        """Draws at most `count` works from the nearest to a code, without the code's own picture.

        They are works of the artist if there are enough of them.
        """
        if count < 1:
            return []
        order = self.nearest(code, artist, count)
        return draw.sample(order, min(count, len(order)))

    def nearest(self, code: torch.Tensor, artist: str, count: int) -> list[int]:
        """Returns the works among which `near` draws `count`, the nearest first."""
        likeness = self._codes @ F.normalize(code, dim=0)
        likeness[likeness > _SAME] = -2
        for allowed in (self.works_of(artist), range(len(self.memory.works))):
            places = torch.tensor(allowed)
            among = places[likeness[places] > -2]
            if len(among) >= count:
                break
        return among[likeness[among].argsort(descending=True, stable=True)[:NEAREST]].tolist()

    def _marks(self, text: str, words: str) -> np.ndarray:
        """Returns the works' similarity to the text, plus the bonus for shared words; float32 [n]."""
        key = f"{text}\0{words}"
        if key not in self._rankings:
            if len(self._rankings) > 64:
                self._rankings.clear()
            asked = self._scorer.embed_texts([text])[0]
            self._rankings[key] = self._vectors @ asked + WORDS * self._shared(words)
        return self._rankings[key]

    def _shared(self, words: str) -> np.ndarray:
        """Returns the share of the words that each work's title or caption has, with more weight for rare words:
        float32 [n].
        """
        found, total = np.zeros(len(self.memory.works), np.float32), 0.0
        for word in sorted(_words(words)):
            places = self._places.get(word, ())
            weight = math.log(1 + len(found) / (1 + len(places)))
            total += weight
            found[list(places)] += weight
        return found / total if total else found

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Maps each word to the works that contain it."""
        found: dict[str, list[int]] = {}
        for place, work in enumerate(self.memory.works):
            for word in _words(f"{work.title} {work.text}"):
                found.setdefault(word, []).append(place)
        return found

    @cached_property
    def _scorer(self) -> "PocketScorer":
        from impasto.vision.scorers.pocket import PocketScorer

        return PocketScorer()

    @cached_property
    def _vectors(self) -> np.ndarray:
        """The scorer's vectors of the works, float32 [n, width], from the features reconstructed from their codes."""
        content = hashlib.sha256(self.memory.codes.numpy().tobytes())
        content.update(self.memory.encoder.basis.numpy().tobytes() + self._scorer.identity.encode())
        file = cache_folder() / "memory-vectors" / f"{content.hexdigest()[:32]}.f32"
        shape = len(self.memory.works), self._scorer.width
        try:
            kept = np.fromfile(file, np.float32)
            if kept.size == shape[0] * shape[1]:
                return kept.reshape(shape)
        except OSError:
            pass
        made = self._scorer.project(self.memory.features().numpy()).astype(np.float32)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, made.tobytes())
        except OSError:
            pass  # a cache that cannot be written only costs time
        return made


def _words(text: str) -> set[str]:
    """Returns the words of a text without common ones; a final s is removed, so that plurals match."""
    found = re.findall(r"[^\W\d_]{3,}", text.casefold())
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found if word not in _COMMON}


def draw_anchor(best: Sequence[int], draw: random.Random) -> int:
    """Draws one of the best works, better ones with higher probability."""
    return draw.choices(best, [1 / (rank + 1) for rank in range(len(best))])[0]


def apportion(places: int, weights: Sequence[float]) -> list[int]:
    """Returns how many whole places each weight gets; the remainder is not assigned."""
    total = sum(weights)
    return [int(places * weight / total + 1e-9) for weight in weights]
