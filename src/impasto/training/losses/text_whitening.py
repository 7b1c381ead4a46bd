"""Text states that a denoiser learns from quickly: whitened in training, folded into its weights afterwards.

An encoder's token states share a large mean, and a few directions hold most of their variance; what tells one painter's
name from another is small beside them, and a few thousand steps of Adam pass it by. Whitened, every direction weighs the
same. The cross-attention's keys and values are linear in the states, so weights trained on whitened states become weights
for the plain ones exactly: softmax does not see a shift common to all keys, and the output's bias takes that of the values.

The text's part in the time embedding (diffusers' `TextTimeEmbedding`) normalises the states before it pools them, so it has
a whitening of its own, fitted to normalised states and folded into the pooling's projections.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class TextWhitening(nn.Module):
    """`(states - mean) @ matrix`, with `mean` [width] and a symmetric `matrix` [width, width]; neither is trained.

    `pooled_mean` and `pooled_matrix` are the same for states that a layer normalisation has gone over.
    """

    mean: torch.Tensor
    matrix: torch.Tensor
    pooled_mean: torch.Tensor
    pooled_matrix: torch.Tensor

    def __init__(self, states: torch.Tensor, floor: float = 0.03) -> None:
        """Fits `states` [n, width]. Directions of less than `floor` of the mean variance are amplified less."""
        super().__init__()
        for name, fitted in (("", states), ("pooled_", F.layer_norm(states, states.shape[-1:]))):
            mean, matrix = _fit(fitted.double(), floor)
            self.register_buffer(f"{name}mean", mean.float())
            self.register_buffer(f"{name}matrix", matrix.float())
        self._hooks: list[Any] = []

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Whitened states, of the shape [..., width] of the states given."""
        return (states - self.mean) @ self.matrix

    def attach_to(self, unet: Any) -> None:
        """Lets the U-Net's text embedding, if it has one, pool whitened states in training, until `fold_into`."""
        embedding = getattr(unet, "add_embedding", None)
        if embedding is None:
            return
        embedding.norm1.requires_grad_(False)  # the whitening is fitted to what it gives as it is
        back = torch.linalg.inv(self.matrix.double()).float()
        self._hooks = [
            embedding.register_forward_pre_hook(lambda _, given: (given[0] @ back + self.mean,)),
            embedding.pool.register_forward_pre_hook(
                lambda _, given: ((given[0] - self.pooled_mean) @ self.pooled_matrix,)
            ),
        ]

    @torch.no_grad()
    def fold_into(self, unet: Any) -> None:
        """Makes a U-Net that was trained on whitened states one for plain states, in place, with the same predictions."""
        for hook in self._hooks:
            hook.remove()
        self._fold_pooling(unet, self.pooled_matrix, forth=True)
        for attention in _text_attentions(unet):
            values = attention.to_v.weight @ self.matrix
            attention.to_out[0].bias -= attention.to_out[0].weight @ (values @ self.mean)
            attention.to_k.weight.copy_(attention.to_k.weight @ self.matrix)
            attention.to_v.weight.copy_(values)

    def detach_hooks(self) -> None:
        """Lets a copy go its own way: the hooks stay with the U-Net that they were put on."""
        self._hooks = []

    @torch.no_grad()
    def fold_into_tokens(self, layer: nn.Linear) -> None:
        """Makes a last layer whose outputs stood beside whitened states one for plain states, in place."""
        inverse = torch.linalg.inv(self.matrix.double()).float()
        layer.weight.copy_(inverse.T @ layer.weight)
        layer.bias.copy_(layer.bias @ inverse + self.mean)

    @torch.no_grad()
    def unfold_from(self, unet: Any) -> None:
        """The inverse of `fold_into`: makes a U-Net for plain states one for whitened states."""
        self._fold_pooling(unet, torch.linalg.inv(self.pooled_matrix.double()).float(), forth=False)
        inverse = torch.linalg.inv(self.matrix.double()).float()
        for attention in _text_attentions(unet):
            attention.to_out[0].bias += attention.to_out[0].weight @ (attention.to_v.weight @ self.mean)
            attention.to_k.weight.copy_(attention.to_k.weight @ inverse)
            attention.to_v.weight.copy_(attention.to_v.weight @ inverse)

    def _fold_pooling(self, unet: Any, matrix: torch.Tensor, *, forth: bool) -> None:
        embedding = getattr(unet, "add_embedding", None)
        if embedding is None:
            return
        pool = embedding.pool
        # The pooling's query is the states' mean plus a position, which is not whitened with them.
        pool.positional_embedding.copy_(pool.positional_embedding @ torch.linalg.inv(matrix.double()).float())
        for layer in (pool.k_proj, pool.q_proj, pool.v_proj):
            if not forth:
                layer.bias += layer.weight @ self.pooled_mean
            layer.weight.copy_(layer.weight @ matrix)
            if forth:
                layer.bias -= layer.weight @ self.pooled_mean


def _fit(states: torch.Tensor, floor: float) -> tuple[torch.Tensor, torch.Tensor]:
    mean = states.mean(dim=0)
    centred = states - mean
    variance, directions = torch.linalg.eigh(centred.T @ centred / max(1, len(states)))
    gain = (variance.clamp(min=0) + floor * variance.mean() + 1e-12).rsqrt()
    return mean, (directions * gain) @ directions.T


def _text_attentions(unet: nn.Module) -> list[Any]:
    found: list[Any] = [module for name, module in unet.named_modules() if name.endswith("attn2")]
    for attention in found:
        assert attention.to_k.bias is None and attention.to_v.bias is None and attention.to_out[0].bias is not None
    return found
