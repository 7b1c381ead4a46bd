"""Which requests are painted at once: neighbours that can go through the U-Net together."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch

from impasto.painting.batches import fitting_batch
from impasto.painting.editing.painting_edits import kind_of_edit, size_to_paint
from impasto.painting.guides.painting_guides import needs_gradients

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest

# Activations that are kept for gradients need several times as much memory.
_FEWER = 4


def batches_of(
    requests: "Sequence[PaintRequest]",
    components: "Components",
    device: torch.device,
    batch_size: int | None,
    memory_tokens: "Callable[[PaintRequest], int]",
) -> "Iterator[tuple[int, list[PaintRequest]]]":
    """Yields batches of neighbours that can go through the U-Net together, each with the index of its first request.

    Args:
        batch_size: how many at most; None for as many as fit.
        memory_tokens: the number of tokens from a memory that follow a request's text.
    """

    def kind(request: "PaintRequest") -> tuple[Any, ...]:
        guided = (request.guider, request.guidance_interval, request.sides)
        shape = (request.width, request.height, memory_tokens(request), *request.text_counts)
        along = (request.controls, request.guides, request.words, *kind_of_edit(request, components))
        return (*shape, *along, request.sampler, request.steps, request.eta, *guided)

    first = 0
    for _, group in groupby(requests, kind):
        neighbours = list(group)
        size = batch_size or at_once(neighbours[0], math.prod(size_to_paint(neighbours[0], components)), device)
        for start in range(0, len(neighbours), size):
            batch = neighbours[start : start + size]
            yield first, batch
            first += len(batch)


def at_once(request: "PaintRequest", pixels: int, device: torch.device) -> int:
    """Returns how many pictures like this one, of `pixels` pixels each, are painted at once if nobody says how many."""
    return max(1, fitting_batch(pixels, device) // (_FEWER if needs_gradients(request) else 1))
