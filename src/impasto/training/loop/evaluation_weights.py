"""The weights that a run is judged by and that its checkpoint gets, where they are not those that the steps change."""

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
    """Puts the averages (EMA, or schedule-free's x) into the models, for good: training does not go on from there."""
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
    """The same for as long as the context lasts; afterwards every weight is what it was, bit for bit.

    A copy of the trained weights is kept meanwhile: schedule-free's own way back would be rounded.
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
    """Only schedule-free optimizers, and accelerate's around them, have modes."""
    switch = getattr(optimizer, mode, None)
    if switch is not None:
        switch()
