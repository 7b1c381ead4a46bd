"""Scores prompt expansions by equation 20 of wu2022, with the term for places and times that its section 3 adds.

    w(v) = TFIDF(v) + lambda1 cos(e(u), e(v)) + lambda2 E(v)

TFIDF(v) is scaled to 0 .. 1 (`TermTable.richness`), a cosine lies in -1 .. 1, and E(v), the number of places and times, is
counted up to three. The three terms thus have similar magnitudes with lambda1 = 1 and lambda2 = 0.1. The paper names no
values; all of them are `impasto.prompts.expansion.settings`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from impasto.prompts.entities import Entity, Recogniser, find_entities
from impasto.prompts.expansion.term_table import MIN_DF, USUAL_TFIDF, TermTable

# Texts -> unit vectors float32 [n, width].
Embed = Callable[[Sequence[str]], np.ndarray]
MOST_ENTITIES = 3


@dataclass(frozen=True)
class Weights:
    """The parameters of equation 20.

    Attributes:
        likeness: lambda1.
        entities: lambda2.
        most_entities: how many places and times count at most.
        tfidf, min_df: how TFIDF(v) is computed; see `TermTable.richness`.
    """

    likeness: float = 1.0
    entities: float = 0.1
    most_entities: int = MOST_ENTITIES
    tfidf: str = USUAL_TFIDF
    min_df: float = MIN_DF


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
            "place and time": self.weights.entities * min(self.weights.most_entities, len(self.entities)),
        }

    @property
    def total(self) -> float:
        """The score w(v)."""
        return sum(self.terms.values())


def score(
    prompt: str,
    candidates: Sequence[str],
    embed: Embed,
    table: TermTable,
    weights: Weights | None = None,
    recogniser: Recogniser | None = None,
) -> list[Score]:
    """Returns the score w(v) of every candidate v for the prompt u.

    Args:
        embed: e(.), from texts to unit vectors.
        recogniser: what finds places and times; spaCy's if None.

    Raises:
        MissingPart: spaCy is not installed.
    """
    if not candidates:
        return []
    weights = weights or Weights()
    vectors = embed([prompt, *candidates])
    cosines = vectors[1:] @ vectors[0]
    entities = find_entities(list(candidates), recogniser)
    return [
        Score(table.richness(text, weights.tfidf, weights.min_df), float(cosine), tuple(found), weights)
        for text, cosine, found in zip(candidates, cosines, entities, strict=True)
    ]
