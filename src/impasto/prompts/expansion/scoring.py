"""Scores prompt expansions by equation 20 of wu2022, with the term for places and times that its section 3 adds.

    w(v) = TFIDF(v) + lambda1 cos(e(u), e(v)) + lambda2 E(v)

TFIDF(v) is scaled to 0 .. 1 (`TermTable.richness`), a cosine lies in -1 .. 1, and E(v), the number of places and times, is
counted up to three. The three terms thus have similar magnitudes, and lambda1 = 1, lambda2 = 0.1 weigh them as expected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.prompts.entities import Entity, find_entities
from impasto.prompts.expansion.term_table import TermTable

# Texts -> unit vectors float32 [n, width].
Embed = Callable[[Sequence[str]], np.ndarray]
MOST_ENTITIES = 3


@dataclass(frozen=True)
class Weights:
    """lambda1 and lambda2 of equation 20."""

    likeness: float = 1.0
    entities: float = 0.1


@dataclass(frozen=True)
class Score:
    """The three terms of a score before weighting, and the entities that were counted."""

    richness: float  # TFIDF(v), 0 .. 1
    likeness: float  # cos(e(u), e(v)), -1 .. 1
    entities: tuple[Entity, ...]
    weights: Weights

    @property
    def terms(self) -> dict[str, float]:
        """The weighted terms by their names in tables; their sum is `total`."""
        return {
            "tf-idf": self.richness,
            "cosine": self.weights.likeness * self.likeness,
            "place and time": self.weights.entities * min(MOST_ENTITIES, len(self.entities)),
        }

    @property
    def total(self) -> float:
        """The score w(v)."""
        return sum(self.terms.values())


def score(
    prompt: str, candidates: Sequence[str], embed: Embed, table: TermTable, weights: Weights | None = None
) -> list[Score]:
    """Returns the score w(v) of every candidate v for the prompt u.

    Raises:
        MissingPart: spaCy is not installed.
    """
    if not candidates:
        return []
    weights = weights or Weights()
    vectors = embed([prompt, *candidates])
    cosines = vectors[1:] @ vectors[0]
    entities = find_entities(list(candidates))
    return [
        Score(table.richness(text), float(cosine), tuple(found), weights)
        for text, cosine, found in zip(candidates, cosines, entities, strict=True)
    ]
