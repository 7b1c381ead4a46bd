"""Paints every request with several seeds, ranks the paintings by a scorer, and keeps the best one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from PIL import Image

from impasto.errors import UsageError
from impasto.painting.best_of.record import BestOf, Tried
from impasto.painting.painting import Painting
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.vision.scorers.interface import TextImageScorer


class Paint(Protocol):
    """`Painter.paint_many`, or a function like it: one painting for each request, in their order."""

    def __call__(self, requests: Sequence[PaintRequest], *, batch_size: int | None) -> Iterator[Painting]: ...


@dataclass(frozen=True)
class PromptScorer:
    """Ranks paintings by what was asked for: the prompt and the artist.

    The score is the sum of two similarities, each the dot product of two unit vectors, -1 .. 1: to the text of the prompt
    (with style and genre, without artist and year), and to the artist's name. A scorer tells how well a painting fits a text
    (wang2023, section 4.1, uses CLIP so); it does not tell how well it is painted.
    """

    scorer: TextImageScorer

    def score(self, condition: Condition, pictures: Sequence[Image.Image]) -> list[tuple[float | None, float | None]]:
        """Returns the similarities of each picture to the prompt and to the artist; None for what is not asked for.

        Raises:
            UsageError: neither a prompt nor an artist is asked for.
        """
        texts = {"prompt": prompt_text(condition), "artist": condition.artist.strip()}
        asked = [name for name, text in texts.items() if text]
        if not asked:
            raise UsageError("--best-of ranks by prompt and artist: give one of them")
        vectors = self.scorer.embed_texts([texts[name] for name in asked])
        found = self.scorer.embed_images(picture.convert("RGB") for picture in pictures) @ vectors.T
        parts = [dict(zip(asked, map(float, row), strict=True)) for row in np.asarray(found, np.float64)]
        return [(part.get("prompt"), part.get("artist")) for part in parts]


def prompt_text(condition: Condition) -> str:
    """Returns what a painting shows, as the scorer reads it: the condition without artist and year."""
    return replace(condition, artist="", year=None).text()


def candidates_of(request: PaintRequest, count: int) -> list[PaintRequest]:
    """Returns the request with its seed and the `count` - 1 seeds that follow."""
    return [replace(request, seed=request.seed + number) for number in range(count)]


def paint_best_of(
    paint: Paint,
    requests: Sequence[PaintRequest],
    scorer: PromptScorer,
    *,
    count: int,
    batch: int | None = None,
    keep_all: bool = False,
    accept: Callable[[Painting], Provenance | None] | None = None,
) -> Iterator[list[Painting]]:
    """Paints each request with `count` seeds from its own on, and yields the best painting, with all scores in its record.

    A kept painting is one that was painted alone, so that it is painted again exactly: sums of a batch are rounded in
    another order.

    Args:
        paint: paints requests.
        requests: what to paint. Their seeds must be at least `count` apart.
        scorer: ranks the paintings.
        count: how many seeds, 1 or more.
        batch: number of candidates that are painted at once; None for as many as fit.
        keep_all: yields the others, too, after the best and in the order of their scores.
        accept: called with the ranked paintings, best first, until enough are accepted: returns the record with its
            `copy_check`, or None for a painting to leave out because it is a copy.

    Yields:
        For each request, the paintings to keep, the best first; none if no painting was accepted.

    Raises:
        UsageError: a request has neither prompt nor artist.
    """
    for request in requests:
        alone = keep_all or batch == 1
        candidates = list(paint(candidates_of(request, count), batch_size=1 if alone else batch))
        scores = scorer.score(request.condition, [painting.image for painting in candidates])
        tried = tuple(
            Tried(painting.provenance.seed, sum(part for part in parts if part is not None), *parts)
            for painting, parts in zip(candidates, scores, strict=True)
        )
        best_of = BestOf(scorer.scorer.name, scorer.scorer.identity, tried)
        ranked = sorted(candidates, key=lambda painting: best_of.rank(painting.provenance.seed))
        kept: list[Painting] = []
        for painting in ranked:
            record = painting.provenance if accept is None else accept(painting)
            if record is None:
                continue
            if not alone:
                (painting,) = paint([replace(request, seed=record.seed)], batch_size=1)
            noted = replace(painting.provenance, copy_check=record.copy_check, best_of=best_of)
            kept.append(Painting(painting.image, noted))
            if not keep_all:
                break
        yield kept
