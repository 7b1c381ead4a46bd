"""Switches models to their evaluation weights (EMA or schedule-free averages), for validation and for the checkpoint."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def take_evaluation_weights(
    models: Mapping[str, nn.Module],
    averages: Mapping[str, AveragedModel],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> None:
    """Copies the averages (EMA, or schedule-free's x) into the models for good; training cannot continue from there."""
    for optimizer in optimizers.values():
        _switch(optimizer, "eval")
    with torch.no_grad():
        for name, average in averages.items():
            for weight, mean in zip(models[name].parameters(), average.module.parameters(), strict=True):
                weight.copy_(mean)


@contextmanager
def evaluation_weights(
    models: Mapping[str, nn.Module],
    averages: Mapping[str, AveragedModel],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> Iterator[None]:
    """Applies `take_evaluation_weights` inside the context; afterwards every weight is restored bit for bit.

    A copy of the trained weights is kept meanwhile, because schedule-free's own way back would round them.
    """
    kept = {name: [weight.detach().clone() for weight in model.parameters()] for name, model in models.items()}
    try:
        take_evaluation_weights(models, averages, optimizers)
        yield
    finally:
        for optimizer in optimizers.values():
            _switch(optimizer, "train")
        with torch.no_grad():
            for name, weights in kept.items():
                for weight, was in zip(models[name].parameters(), weights, strict=True):
                    weight.copy_(was)


def _switch(optimizer: Any, mode: str) -> None:
    """Calls the optimizer's `mode` method if it has one: only schedule-free optimizers, and accelerate's wrappers, do."""
    switch = getattr(optimizer, mode, None)
    if switch is not None:
        switch()
