"""Text states that a denoiser learns from quickly: whitened in training, folded into its weights afterwards.

An encoder's token states share a large mean, and a few directions hold most of their variance; what tells one painter's
name from another is small beside them, and a few thousand steps of Adam pass it by. Whitened, every direction weighs the
same. The cross-attention's keys and values are linear in the states, so weights trained on whitened states become weights
for the plain ones exactly: softmax does not see a shift common to all keys, and the output's bias takes that of the values.
"""

from typing import Any

import torch
from torch import nn


class TextWhitening(nn.Module):
    """`(states - mean) @ matrix`, with `mean` [width] and a symmetric `matrix` [width, width]; neither is trained."""

    mean: torch.Tensor
    matrix: torch.Tensor

    def __init__(self, states: torch.Tensor, floor: float = 0.03) -> None:
        """Fits `states` [n, width]. Directions of less than `floor` of the mean variance are amplified less."""
        super().__init__()
        mean = states.double().mean(dim=0)
        centred = states.double() - mean
        variance, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(states)))
        gain = (variance.clamp(min=0) + floor * variance.mean() + 1e-12).rsqrt()
        self.register_buffer("mean", mean.float())
        self.register_buffer("matrix", ((directions * gain) @ directions.T).float())

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Whitened states, of the shape [..., width] of the states given."""
        return (states - self.mean) @ self.matrix

    @torch.no_grad()
    def fold_into(self, unet: nn.Module) -> None:
        """Makes a U-Net that was trained on whitened states one for plain states, in place, with the same predictions."""
        for attention in _text_attentions(unet):
            values = attention.to_v.weight @ self.matrix
            attention.to_out[0].bias -= attention.to_out[0].weight @ (values @ self.mean)
            attention.to_k.weight.copy_(attention.to_k.weight @ self.matrix)
            attention.to_v.weight.copy_(values)

    @torch.no_grad()
    def unfold_from(self, unet: nn.Module) -> None:
        """The inverse of `fold_into`: makes a U-Net for plain states one for whitened states."""
        inverse = torch.linalg.inv(self.matrix.double()).float()
        for attention in _text_attentions(unet):
            attention.to_out[0].bias += attention.to_out[0].weight @ (attention.to_v.weight @ self.mean)
            attention.to_k.weight.copy_(attention.to_k.weight @ inverse)
            attention.to_v.weight.copy_(attention.to_v.weight @ inverse)


def _text_attentions(unet: nn.Module) -> list[Any]:
    found: list[Any] = [module for name, module in unet.named_modules() if name.endswith("attn2")]
    for attention in found:
        assert attention.to_k.bias is None and attention.to_v.bias is None and attention.to_out[0].bias is not None
    return found
