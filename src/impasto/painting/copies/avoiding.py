"""Painting without copying: what looks like a training picture is refused, and painted again with the next free seed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL import Image

from impasto.painting.copies.record import CopyCheck
from impasto.painting.painting import Painting
from impasto.painting.request import LARGEST_SEED, PaintRequest


@dataclass(frozen=True)
class Likeness:
    """The training picture that a painting is most like: its name, and the similarity, at most 1."""

    file_name: str
    similarity: float


class CopyJudge(Protocol):
    """What tells copies from new pictures.

    Attributes:
        threshold: the similarity from which on a painting counts as a copy.
        identity: a hash of the training pictures that it knows and of what it sees them with.
    """

    threshold: float
    identity: str

    def nearest(self, image: Image.Image) -> Likeness:
        """The training picture that `image` is most like."""
        ...


@dataclass(frozen=True)
class Refusal:
    """A painting that was not handed out: its seed, what it looked like, and the seed that is tried next, if any."""

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
    """Paints the requests, and those whose painting is a copy again, each at most `repaints` times.

    Every painting is handed out as soon as it is judged, with the judgement in its provenance; what is a copy to the last is
    not handed out. The seeds of the repaintings follow the largest of `requests`, so that no seed is painted twice.

    Args:
        paint: `Painter.paint_many`, or a function like it: one painting for each request, in their order.
        repaints: 0 or more.
        on_refusal: hears of every painting that is refused.
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
