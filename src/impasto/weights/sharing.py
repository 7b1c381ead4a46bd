"""Copies of modules that share their weights, so that layers can be changed without a second copy in memory."""

import copy
from collections.abc import Mapping
from typing import Any

import torch


def copy_sharing_weights(model: torch.nn.Module, instead: Mapping[int, torch.Tensor] | None = None) -> Any:
    """Returns a copy of `model` that shares its parameters and buffers.

    Args:
        instead: `id` of a weight of `model` -> the weight that the copy has in its place.
    """
    shared: dict[int, Any] = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
    return copy.deepcopy(model, shared | dict(instead or {}))
