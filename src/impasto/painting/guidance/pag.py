"""Perturbed-attention guidance (Ahn et al. 2024): away from what the U-Net answers without its sense of structure.

In the perturbed U-Net, the self-attention of the middle block is the identity: every position sees itself only. With
w = s + 1 of the paper's s, the formula is autoguidance's.
"""

import copy
from typing import Any

import torch
from torch import nn

from impasto.painting.guidance import auto

predictor = auto.predictor


class IdentityAttention:
    """An attention processor of diffusers in whose place the attention map is the identity."""

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """hidden_states [n, positions, C] -> the same shape: their values, projected."""
        return attn.to_out[1](attn.to_out[0](attn.to_v(hidden_states)))


def perturbed(unet: nn.Module) -> nn.Module:
    """A copy of `unet` that shares its weights, with the middle block's self-attention perturbed."""
    memo: dict[int, Any] = {id(tensor): tensor for tensor in [*unet.parameters(), *unet.buffers()]}
    twin = copy.deepcopy(unet, memo)
    for name, module in twin.named_modules():
        if name.startswith("mid_block.") and name.endswith(".attn1"):
            layer: Any = module
            layer.set_processor(IdentityAttention())
    return twin
