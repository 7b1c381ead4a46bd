"""Paints while avoiding copies: a painting too similar to a training picture is rejected and repainted with a new seed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image

from impasto.painting.copies.record import CopyCheck
from impasto.painting.painting import Painting
from impasto.painting.request import LARGEST_SEED, PaintRequest


@dataclass(frozen=True)
class Likeness:
    """The training picture most similar to a painting: its name, and the similarity, at most 1."""

    file_name: str
    similarity: float


class CopyJudge(Protocol):
    """Compares a painting with the training pictures, to detect copies.

    Attributes:
        threshold: a painting with this similarity or more counts as a copy.
        identity: a hash of its training pictures and of the feature models that it compares them with.
    """

    threshold: float
    identity: str

    def nearest(self, image: Image.Image) -> Likeness:
        """Returns the training picture that is most similar to `image`."""
        ...


@dataclass(frozen=True)
class Refusal:
    """A rejected painting: its seed, the most similar training picture, and the seed that is tried next, if any."""

    seed: int
    likeness: Likeness
    next_seed: int | None


def paint_without_copies(
    paint: Callable[[Sequence[PaintRequest]], Iterator[Painting]],
    requests: Sequence[PaintRequest],
    judge: CopyJudge,
    *,
    repaints: int,
    on_refusal: Callable[[Refusal], None],
) -> Iterator[Painting]:
    """Paints the requests, and repaints those whose painting is a copy, each at most `repaints` times.

    Each accepted painting is yielded as soon as it is compared, with the result in its provenance. A request whose last
    painting is still a copy yields nothing. Repaints use the seeds after the largest seed in `requests`, so that no seed is
    painted twice.

    Args:
        paint: `Painter.paint_many`, or a function like it: one painting for each request, in their order.
        repaints: 0 or more.
        on_refusal: called for every painting that is rejected.
    """
    next_seed = max((request.seed for request in requests), default=0) + 1
    refused: dict[int, tuple[int, ...]] = {place: () for place in range(len(requests))}
    waiting = dict(enumerate(requests))
    for repaint in range(repaints + 1):
        again: dict[int, PaintRequest] = {}
        for (place, request), painting in zip(waiting.items(), paint(list(waiting.values())), strict=True):
            likeness = judge.nearest(painting.image)
            if likeness.similarity < judge.threshold:
                check = CopyCheck(judge.identity, judge.threshold, likeness.similarity, refused[place])
                yield Painting(painting.image, replace(painting.provenance, copy_check=check))
                continue
            refused[place] += (request.seed,)
            another = repaint < repaints and next_seed <= LARGEST_SEED
            on_refusal(Refusal(request.seed, likeness, next_seed if another else None))
            if another:
                again[place] = replace(request, seed=next_seed)
                next_seed += 1
        waiting = again
        if not waiting:
            return
