"""The layers that the U-Net and the VAE decoder share, optimized for fp32 inference on a CPU.

They compute the same mathematics as diffusers' layers, with fewer repeated operations and another memory layout:

- Convolution weights are laid out for oneDNN once instead of in every call, and pictures stay channels-last.
- Nearest upsampling by 2 and the 3x3 convolution after it become one 2x2 convolution with four times the channels:
  each of the four output phases depends on only 2x2 different inputs, so 4/9 of the multiplications remain.
- Where a skip connection is the same for both halves of a guided batch, it is convolved once: a convolution of two
  concatenated inputs is the sum of two convolutions.
- The convolution itself adds the residual while it writes its result.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

_mkldnn: Any = torch.ops.mkldnn


class NotOptimizable(Exception):
    """The model has a layer that this package does not implement; diffusers' own forward has to run it."""


def require(true: bool, what: str) -> None:
    """Raise `NotOptimizable` unless `true`."""
    if not true:
        raise NotOptimizable(what)


class PackedConvolution:
    """An nn.Conv2d on channels-last input [n, C, h, w], with its weight in oneDNN's own layout.

    The layout depends on the size of the picture, so the weight is packed when a size first occurs. (If it is packed for no
    particular size, 4x4 maps take 40 times as long on two threads.)
    """

    def __init__(self, convolution: Any, weight: torch.Tensor | None = None, bias: torch.Tensor | None = None) -> None:
        require(type(convolution) is nn.Conv2d and convolution.groups == 1, "convolution")
        require(convolution.padding_mode == "zeros" and convolution.dilation == (1, 1), "convolution")
        bias = convolution.bias if bias is None else bias
        if bias is None:
            raise NotOptimizable("convolution without bias")
        self.bias: torch.Tensor = bias.detach()
        self._weight = convolution.weight.detach() if weight is None else weight
        self._stride, self._padding = list(convolution.stride), list(convolution.padding)
        self._packed: tuple[torch.Size, torch.Tensor] | None = None

    def _pack(self, x: torch.Tensor) -> torch.Tensor:
        packed = self._packed  # read once and written whole: several threads may paint with this layer
        if packed is None or packed[0] != x.shape[2:]:
            arguments = (self._padding, self._stride, [1, 1], 1, list(x.shape))
            packed = self._packed = (x.shape[2:], _mkldnn._reorder_convolution_weight(self._weight, *arguments))
        return packed[1]

    def __call__(self, x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """Returns the convolution of x; `bias` [C'] replaces the layer's own bias."""
        weight, bias = self._pack(x), self.bias if bias is None else bias
        return _mkldnn._convolution_pointwise(x, weight, bias, self._padding, self._stride, [1, 1], 1, "none", [], "")

    def add_to(self, total: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Adds the convolution of x to `total` [n, C', h, w] in place, and returns `total`."""
        weight, bias = self._pack(x), self.bias
        return _mkldnn._convolution_pointwise_.binary(
            total, x, weight, bias, self._padding, self._stride, [1, 1], 1, "add", 1.0, None, [], None
        )


def split_convolution(convolution: Any, channels: int) -> tuple[PackedConvolution, PackedConvolution]:
    """Splits a convolution into one of the first `channels` inputs, with the bias, and one of the rest, without bias.

    The sum of both is the whole convolution.
    """
    weight = convolution.weight.detach()
    rest = weight[:, channels:].contiguous(), torch.zeros(len(weight))
    return PackedConvolution(convolution, weight[:, :channels].contiguous()), PackedConvolution(convolution, *rest)


class NormalizedSilu:
    """GroupNorm, then SiLU."""

    def __init__(self, norm: Any) -> None:
        require(type(norm) is nn.GroupNorm, "norm")
        self._norm = norm

    def split(self, channels: int) -> "tuple[NormalizedSilu, NormalizedSilu] | None":
        """Returns the norms of the first `channels` and of the rest, or None if a group has channels of both."""
        norm = self._norm
        members = norm.num_channels // norm.num_groups
        if channels % members or norm.weight is None:
            return None
        parts = []
        for chosen in (slice(None, channels), slice(channels, None)):
            weight, bias = norm.weight.detach()[chosen], norm.bias.detach()[chosen]
            part = nn.GroupNorm(len(weight) // members, len(weight), eps=norm.eps, device="meta")
            part.weight, part.bias = nn.Parameter(weight, False), nn.Parameter(bias, False)
            parts.append(NormalizedSilu(part))
        return parts[0], parts[1]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        norm = self._norm
        return F.silu(F.group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps), inplace=True)


class Residual:
    """diffusers' ResnetBlock2D. If the whole batch has the same time embedding, it is added to conv1's bias."""

    def __init__(self, block: Any) -> None:
        require(type(block).__name__ == "ResnetBlock2D", "residual block")
        require(block.upsample is None and block.downsample is None, "resampling residual block")
        timed = block.time_emb_proj is not None
        require(not timed or block.time_embedding_norm == "default", "time embedding")
        require(block.time_embedding_norm in ("default", "group") and not block.skip_time_act, "time embedding")
        require(isinstance(block.nonlinearity, nn.SiLU) and block.output_scale_factor == 1.0, "residual block")
        self._first, self._second = NormalizedSilu(block.norm1), NormalizedSilu(block.norm2)
        self._conv1, self._conv2 = PackedConvolution(block.conv1), PackedConvolution(block.conv2)
        self._shortcut = None if block.conv_shortcut is None else PackedConvolution(block.conv_shortcut)
        # Linear layer from the (activated) time embedding; None in a VAE.
        self.time: nn.Linear | None = block.time_emb_proj
        self.inner_bias = self._conv1.bias
        self._block = block
        self._halves: tuple[int, _JoinedInput | None] | None = None

    def join(self, x: torch.Tensor, skip: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """Applies the block to x [k n, C, h, w] concatenated with `skip` [n, S, h, w], which is the same for k parts of the
        batch.

        Operations that depend on the skip alone are computed for n pictures only: half of them under guidance.
        """
        copies = len(x) // len(skip)
        if self._halves is None or self._halves[0] != x.shape[1]:
            self._halves = (x.shape[1], _split_input(self._block, x.shape[1]))
        halves = self._halves[1]
        if copies == 1 or halves is None:
            return self(torch.cat([x, skip.repeat(copies, 1, 1, 1)], dim=1), bias)
        inner, skipped = _biased(halves.convolutions[0], halves.norms[0](x), bias), halves.norms[1](skip)
        _add_to_parts(inner, halves.convolutions[1](skipped))
        total = halves.shortcuts[0](x)
        _add_to_parts(total, halves.shortcuts[1](skip))
        return self._conv2.add_to(total, self._second(inner))

    def __call__(self, x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        """x [n, C, h, w] -> [n, C', h, w]; `bias` [C'] or [n, C'] holds conv1's bias and the time embedding."""
        inner = _biased(self._conv1, self._first(x), bias)
        inner = self._second(inner)
        # The result goes into a new tensor: x may still be needed as a skip connection.
        total = x.clone(memory_format=torch.channels_last) if self._shortcut is None else self._shortcut(x)
        return self._conv2.add_to(total, inner)


def _biased(convolution: PackedConvolution, x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Returns the convolution of x with `bias` in place of its own: [C'] for the batch, or [n, C'] for each picture."""
    if bias is None or bias.ndim == 1:
        return convolution(x, bias)
    return convolution(x, torch.zeros_like(bias[0])).add_(bias[:, :, None, None])


@dataclass(frozen=True)
class _JoinedInput:
    """The first layers of a residual block, split for the two inputs that diffusers concatenates."""

    norms: tuple[NormalizedSilu, NormalizedSilu]
    convolutions: tuple[PackedConvolution, PackedConvolution]
    shortcuts: tuple[PackedConvolution, PackedConvolution]


def _split_input(block: Any, channels: int) -> _JoinedInput | None:
    norms = NormalizedSilu(block.norm1).split(channels)
    if norms is None or block.conv_shortcut is None:
        return None
    return _JoinedInput(norms, split_convolution(block.conv1, channels), split_convolution(block.conv_shortcut, channels))


def _add_to_parts(total: torch.Tensor, part: torch.Tensor) -> None:
    """Adds `part` [n, ...] to each of the k parts of `total` [k n, ...], in place."""
    for start in range(0, len(total), len(part)):
        total[start : start + len(part)] += part


class FoldedUpsample:
    """diffusers' Upsample2D: nearest-neighbour upsampling by 2, then a 3x3 convolution."""

    def __init__(self, upsample: Any) -> None:
        require(type(upsample).__name__ == "Upsample2D" and upsample.use_conv, "upsampling")
        require(upsample.norm is None and not upsample.use_conv_transpose and upsample.interpolate, "upsampling")
        plain = upsample.conv
        require(plain.kernel_size == (3, 3) and plain.stride == (1, 1) and plain.padding == (1, 1), "upsampling")
        self._plain = plain
        self._channels = plain.out_channels
        # Even outputs depend on (left, here, here), odd ones on (here, here, right): rows of taps that fall on the same
        # input are summed. fold[phase, tap of 2, tap of 3]
        fold = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
        weight = torch.einsum("aij,bkl,ocjl->abocik", fold, fold, plain.weight.detach().double())
        weight = weight.reshape(4 * self._channels, plain.in_channels, 2, 2).float()
        small = nn.Conv2d(1, 1, 2, padding=1)
        self._folded = PackedConvolution(small, weight, plain.bias.detach().repeat(4))

    def __call__(self, x: torch.Tensor, size: torch.Size | None = None) -> torch.Tensor:
        """x [n, C, h, w] -> [n, C', 2h, 2w], or [n, C', *size] if `size` is given and is not twice as large."""
        n, _, height, width = x.shape
        if size is not None and tuple(size) != (2 * height, 2 * width):
            return self._plain(F.interpolate(x, size=tuple(size), mode="nearest"))
        phases = self._folded(x)  # [n, 4C', h + 1, w + 1]; phase (a, b) of output (2i + a, 2j + b) lies at (i + a, j + b)
        channels = self._channels
        result = torch.empty((n, channels, 2 * height, 2 * width), dtype=x.dtype, memory_format=torch.channels_last)
        for phase, part in enumerate(phases.split(channels, dim=1)):
            down, right = divmod(phase, 2)
            result[:, :, down::2, right::2] = part[:, :, down : down + height, right : right + width]
        return result
