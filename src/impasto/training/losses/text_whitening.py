"""Whitens the text encoder's token states while a denoiser trains, and folds the whitening into its weights afterwards.

An encoder's token states share a large mean, and a few directions hold most of their variance. What distinguishes one
painter's name from another is small beside them, and a few thousand steps of Adam do not learn it. After whitening, every
direction has the same weight. The cross-attention's keys and values are linear in the states, so weights trained on whitened
states convert exactly to weights for plain states: softmax ignores a shift common to all keys, and the output's bias absorbs
the shift of the values.

The text's part in the time embedding (diffusers' `TextTimeEmbedding`) normalises the states before it pools them. So it has
a whitening of its own, fitted to normalised states and folded into the pooling's projections.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class TextWhitening(nn.Module):
    """Computes `(states - mean) @ matrix`, with `mean` [width] and a symmetric `matrix` [width, width]; neither is trained.

    `pooled_mean` and `pooled_matrix` are the same for states after a layer normalisation.
    """

    mean: torch.Tensor
    matrix: torch.Tensor
    pooled_mean: torch.Tensor
    pooled_matrix: torch.Tensor

    def __init__(self, states: torch.Tensor, floor: float = 0.03) -> None:
        """Fits the whitening to `states` [n, width]. Directions below `floor` of the mean variance are amplified less."""
        super().__init__()
        for name, fitted in (("", states), ("pooled_", F.layer_norm(states, states.shape[-1:]))):
            mean, matrix = _fit(fitted.double(), floor)
            self.register_buffer(f"{name}mean", mean.float())
            self.register_buffer(f"{name}matrix", matrix.float())
        self._hooks: list[Any] = []

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Returns the whitened states, of the same shape [..., width] as the given states."""
        return (states - self.mean) @ self.matrix

    def attach_to(self, unet: Any) -> None:
        """Makes the U-Net's text embedding, if it has one, pool whitened states in training, until `fold_into`."""
        embedding = getattr(unet, "add_embedding", None)
        if embedding is None:
            return
        embedding.norm1.requires_grad_(False)  # the whitening is fitted to its output with its present weights
        back = torch.linalg.inv(self.matrix.double()).float()
        self._hooks = [
            embedding.register_forward_pre_hook(lambda _, given: (given[0] @ back + self.mean,)),
            embedding.pool.register_forward_pre_hook(
                lambda _, given: ((given[0] - self.pooled_mean) @ self.pooled_matrix,)
            ),
        ]

    @torch.no_grad()
    def fold_into(self, unet: Any) -> None:
        """Converts a U-Net trained on whitened states to one for plain states, in place, with the same predictions."""
        for hook in self._hooks:
            hook.remove()
        self._fold_pooling(unet, self.pooled_matrix, forth=True)
        for attention in _text_attentions(unet):
            values = attention.to_v.weight @ self.matrix
            attention.to_out[0].bias -= attention.to_out[0].weight @ (values @ self.mean)
            attention.to_k.weight.copy_(attention.to_k.weight @ self.matrix)
            attention.to_v.weight.copy_(values)

    def detach_hooks(self) -> None:
        """Makes a copy independent of the hooks, which stay with the U-Net that they were attached to."""
        self._hooks = []

    @torch.no_grad()
    def fold_into_tokens(self, layer: nn.Linear) -> None:
        """Converts a last layer whose outputs were used beside whitened states to one for plain states, in place."""
        inverse = torch.linalg.inv(self.matrix.double()).float()
        layer.weight.copy_(inverse.T @ layer.weight)
        layer.bias.copy_(layer.bias @ inverse + self.mean)

    @torch.no_grad()
    def unfold_from_tokens(self, layer: nn.Linear) -> None:
        """The inverse of `fold_into_tokens`."""
        layer.weight.copy_(self.matrix.T @ layer.weight)
        layer.bias.copy_((layer.bias - self.mean) @ self.matrix)

    @torch.no_grad()
    def unfold_from(self, unet: Any) -> None:
        """Converts a U-Net for plain states to one for whitened states; the inverse of `fold_into`."""
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
        # The pooling's query is the states' mean plus a positional embedding, which is not whitened with them.
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
