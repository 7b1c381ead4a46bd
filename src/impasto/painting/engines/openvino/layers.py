"""diffusers' layers in forms that OpenVINO runs faster, or that take from outside what repeats.

- Nearest upsampling by 2 and the 3x3 convolution after it are one 2x2 convolution for each of the four output phases: each
  depends on only 2x2 different inputs, so 4/9 of the multiplications remain.
- In fp32 the GroupNorm of a map is written as the moments of each channel and one multiplication and addition. OpenVINO's
  own form of it changes the layout of the whole map twice.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class FoldedUpsample(nn.Module):
    """diffusers' Upsample2D to twice the size: nearest neighbours, then a 3x3 convolution."""

    def __init__(self, upsample: Any) -> None:
        super().__init__()
        plain = upsample.conv
        # Even outputs depend on (left, here, here), odd ones on (here, here, right): rows of taps that fall on the same
        # input are summed. fold[phase, tap of 2, tap of 3]
        fold = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
        weight = torch.einsum("aij,bkl,ocjl->abocik", fold, fold, plain.weight.detach().double())
        self.weight = nn.Parameter(weight.flatten(0, 1).to(plain.weight.dtype), False)  # [4, C', C, 2, 2]
        self.bias = None if plain.bias is None else nn.Parameter(plain.bias.detach(), False)

    def forward(self, x: torch.Tensor, _size: Any = None) -> torch.Tensor:
        """x [n, C, h, w] -> [n, C', 2h, 2w]."""
        n, _, height, width = x.shape
        phases = []
        for phase, weight in enumerate(self.weight):
            down, right = divmod(phase, 2)
            padded = F.pad(x, (1 - right, right, 1 - down, down))
            phases.append(F.conv2d(padded, weight, self.bias))
        both = torch.stack(phases, dim=2).reshape(n, -1, height, width)  # channel 4 c + phase
        return F.pixel_shuffle(both, 2)


def fold_upsampling(model: nn.Module) -> None:
    """Replaces in place each Upsample2D that has the usual convolution."""
    for name, module in list(model.named_modules()):
        if type(module).__name__ != "Upsample2D":
            continue
        layer: Any = module
        usual = layer.use_conv and not layer.use_conv_transpose and layer.interpolate and layer.norm is None
        convolution = getattr(layer, "conv", None)
        if not (usual and type(convolution) is nn.Conv2d and convolution.groups == 1):
            continue
        if (convolution.kernel_size, convolution.stride, convolution.padding) != ((3, 3), (1, 1), (1, 1)):
            continue
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, FoldedUpsample(layer))


class MomentNorm(nn.Module):
    """nn.GroupNorm by the first two moments of each channel. For fp32: in bf16 their difference would lose its digits."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self._groups, self._members, self._eps = norm.num_groups, norm.num_channels // norm.num_groups, norm.eps
        scale = torch.ones(norm.num_channels) if norm.weight is None else norm.weight.detach()
        shift = torch.zeros_like(scale) if norm.bias is None else norm.bias.detach()
        self.scale = nn.Parameter(scale.view(1, -1, 1, 1), False)
        self.shift = nn.Parameter(shift.view(1, -1, 1, 1), False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [n, C, h, w] -> the same shape."""
        grouped = (-1, self._groups, self._members)
        means = x.mean((2, 3), keepdim=True).reshape(grouped).mean(2, keepdim=True)
        lengths = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)  # without a map of the squares
        squares = (lengths * lengths / (x.shape[2] * x.shape[3])).reshape(grouped).mean(2, keepdim=True)
        inverse = ((squares - means * means).clamp(min=0) + self._eps).rsqrt()
        scale = self._for_channels(inverse) * self.scale
        return x * scale + (self.shift - self._for_channels(means) * scale)

    def _for_channels(self, values: torch.Tensor) -> torch.Tensor:
        """[n, groups, 1] -> [n, C, 1, 1]."""
        return values.expand(-1, -1, self._members).reshape(-1, self._groups * self._members, 1, 1)


def norm_by_moments(model: nn.Module) -> None:
    """Replaces in place each GroupNorm of a map; those of a sequence, in an attention, stay."""
    for name, module in list(model.named_modules()):
        parent, _, last = name.rpartition(".")
        if type(module) is nn.GroupNorm and type(model.get_submodule(parent)).__name__ != "Attention":
            setattr(model.get_submodule(parent), last, MomentNorm(module))


class ToldAttention:
    """A diffusers attention processor for cross-attention whose keys and values are given from outside."""

    def __init__(self) -> None:
        self.key: Any = None
        self.value: Any = None
        self.mask: Any = None

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """hidden_states [m, positions, C] -> the same shape."""
        query = attn.to_q(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, self.key, self.value, attn_mask=self.mask)
        return attn.to_out[0](mixed.transpose(1, 2).flatten(2))
