"""Perturbed-attention guidance (Ahn et al. 2024): leads away from the output of a U-Net with perturbed self-attention.

In the perturbed U-Net, the self-attention of the middle block is the identity: every position attends to itself only, so
that structure is lost. With w = s + 1, where s is the paper's scale, the formula is that of autoguidance.
"""

from typing import Any

import torch
from torch import nn

from impasto.painting.guidance import auto
from impasto.weights.sharing import copy_sharing_weights

predictor = auto.predictor


class IdentityAttention:
    """A diffusers attention processor that replaces the attention map with the identity."""

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """hidden_states [n, positions, C] -> the same shape: the values of attention, after the output projection."""
        return attn.to_out[1](attn.to_out[0](attn.to_v(hidden_states)))


def perturbed(unet: nn.Module) -> nn.Module:
    """Returns a copy of `unet` that shares its weights, with the middle block's self-attention perturbed."""
    twin = copy_sharing_weights(unet)
    for name, module in twin.named_modules():
        if name.startswith("mid_block.") and name.endswith(".attn1"):
            layer: Any = module
            layer.set_processor(IdentityAttention())
    return twin
