"""The work of painting batches, counted before anything is painted: for the choice of an engine, and for progress."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.size import latent_factor
from impasto.painting.batching import batches_of
from impasto.painting.editing.painting_edits import evaluations, size_to_paint
from impasto.painting.engines.work import BatchWork
from impasto.painting.guides.painting_guides import needs_gradients
from impasto.painting.request import PaintRequest
from impasto.painting.schedulers import make_scheduler, set_steps

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

Groups = Sequence[tuple[Sequence[PaintRequest], int]]  # requests that are painted together, and how often such ones are


def scheduler_of(request: PaintRequest, components: "Components", device: torch.device) -> Any:
    """Returns the request's sampler, with its steps set."""
    scheduler = make_scheduler(request.sampler, components.scheduler_config, request.eta)
    set_steps(scheduler, request.steps, device)
    return scheduler


def work_of(batch: Sequence[PaintRequest], components: "Components", device: torch.device) -> BatchWork:
    """Returns the U-Net's work for requests that are painted at once."""
    request = batch[0]
    width, height = (side // latent_factor(components.vae.config) for side in size_to_paint(request, components))
    sides = sum(request.sides)
    each = evaluations(request, scheduler_of(request, components, device)) * sides * len(batch)
    return BatchWork(each, len(batch), height, width, bool(request.controls), request.words is not None, sides)


def works_of(
    groups: Groups, components: "Components", device: torch.device, batch_size: int | None, memory_tokens: Any
) -> list[BatchWork]:
    """Returns the work of each batch of these requests, as often as it is done; guides with gradients have no engine.

    Args:
        batch_size, memory_tokens: as for `batches_of`.
    """
    works = []
    for requests, times in groups:
        for _, batch in batches_of(requests, components, device, batch_size, memory_tokens):
            if not needs_gradients(batch[0]):
                one = work_of(batch, components, device)
                works.append(replace(one, evaluations=one.evaluations * times))
    return works
