"""Running averages (EMA) of a model's weights, updated without waiting for the model's device."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

Kept = Callable[[int], float]  # number of updates so far -> the share of the average that is kept


class EMA(AveragedModel):
    """An exponential moving average; its state is that of torch's `AveragedModel`.

    torch's own class moves the number of updates to the weights' device. A rule that needs it as a number then waits, once
    a step, for all queued work of the device.
    """

    def __init__(self, model: nn.Module, kept: Kept) -> None:
        super().__init__(model)
        self._kept = kept

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Updates the average with the model's weights; buffers are copied."""
        count = int(self.n_averaged)  # on the CPU
        averaged: list[Any] = [p.detach() for p in self.module.parameters()]
        current: list[Any] = [p.detach() for p in model.parameters()]
        if count:
            torch._foreach_lerp_(averaged, current, 1 - self._kept(count))  # pyright: ignore[reportPrivateImportUsage]
        else:
            torch._foreach_copy_(averaged, current)  # pyright: ignore[reportPrivateImportUsage]
        for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)
        self.n_averaged += 1


def warmed_average(decay: float) -> Kept:
    """Returns the rule of an average whose decay grows to `decay`: 1 - (1 + n)^(-3/4) after n steps.

    Without the warm-up, the average of a short run would still contain its untrained beginning.
    """
    return lambda count: min(decay, 1 - (1 + count) ** -0.75)


def half_life_average(share: float) -> Kept:
    """Returns the rule whose half-life is `share` of the steps so far: after n steps 2^(-1 / (share * n)) is kept."""
    return lambda count: 0.5 ** (1 / max(share * count, 1e-3))
