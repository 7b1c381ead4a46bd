"""Chooses the pictures that a review shows, and in which order."""

import heapq
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from impasto.data.annotations.merged import Annotation
from impasto.data.catalogue.entry import CatalogueEntry

Order = Literal["similarity", "name", "random"]
Only = Literal["unreviewed", "filtered", "all"]
MOST_WAITING = 10_000  # pictures of shards that one session may show: more than anybody looks at


@dataclass(frozen=True)
class Waiting:
    """A picture to show, and the folder whose review log has its decisions."""

    entry: CatalogueEntry
    home: Path
    similarity: float | None

    @property
    def key(self) -> tuple[Path, str]:
        """What no other picture has."""
        return self.home, self.entry.file_name


def is_chosen(entry: CatalogueEntry, known: Annotation, only: Only) -> bool:
    """Returns whether a review of `only` these shows the picture (see `ReviewSession`)."""
    if only == "all":
        return True
    dropped = bool(known.reason_against(entry))
    return known.verdict is None and dropped == (only == "filtered")


def ordered(chosen: Iterable[Waiting], order: Order, seed: int) -> list[Waiting]:
    """Returns the pictures in the order in which they are shown."""
    named = sorted(chosen, key=lambda one: one.entry.file_name)
    if order == "random":
        return random.Random(seed).sample(named, len(named))
    return named if order == "name" else sorted(named, key=_by_similarity)


def first_of(chosen: Iterable[Waiting], order: Order, seed: int) -> list[Waiting]:
    """Returns the `MOST_WAITING` pictures that come first, in order; at random they are drawn by a hash of their names."""

    def drawn(one: Waiting) -> tuple[float | str, str]:
        name = one.entry.file_name
        if order == "random":
            return sha256(f"{seed}/{name}".encode()).hexdigest(), name
        return (0.0 if order == "name" else _by_similarity(one)), name

    return heapq.nsmallest(MOST_WAITING, chosen, key=drawn)


def _by_similarity(one: Waiting) -> float:
    return math.inf if one.similarity is None else one.similarity
