"""The network of Real-ESRGAN's compact upscalers (SRVGGNetCompact; Wang et al. 2021), with its published weights' names.

It applies 3x3 convolutions with PReLU at the small size, and one more convolution to 3 * scale^2 channels. These are
rearranged to pixels (pixel shuffle), and the picture itself, enlarged by nearest neighbours, is added. The weights' shapes
determine the size of the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError

_EXPECTED = (
    "expected the compact layout of Real-ESRGAN (SRVGGNetCompact with PReLU): "
    "body.0.weight [features, 3, 3, 3] to body.<last>.weight [3 * scale^2, features, 3, 3]"
)
_SCALES = (2, 3, 4)
_MOST_FEATURES, _MOST_CONVOLUTIONS = 512, 256


@dataclass(frozen=True)
class CompactShape:
    """The size of a compact upscaler.

    Attributes:
        features: channels of the inner convolutions.
        convolutions: the number of convolutions between the first and the last.
        scale: the factor by which width and height grow.
    """

    features: int = 64
    convolutions: int = 16
    scale: int = 4

    @property
    def reach(self) -> int:
        """The radius of the receptive field, in pixels of the small picture."""
        return self.convolutions + 2


class CompactUpscaler(nn.Module):
    """Upscales pictures [n, 3, h, w] to [n, 3, scale * h, scale * w], RGB in 0..1 (the output may slightly exceed it)."""

    def __init__(self, shape: CompactShape) -> None:
        super().__init__()
        self.shape = shape
        widths = [3, *[shape.features] * (shape.convolutions + 1)]
        self.body = nn.ModuleList()
        for inner, outer in pairwise(widths):
            self.body.extend([nn.Conv2d(inner, outer, 3, padding=1), nn.PReLU(outer)])
        self.body.append(nn.Conv2d(shape.features, 3 * shape.scale**2, 3, padding=1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        x = pictures
        for layer in self.body:
            x = layer(x)
        return F.pixel_shuffle(x, self.shape.scale) + F.interpolate(pictures, scale_factor=self.shape.scale, mode="nearest")


def shape_of(weights: Mapping[str, torch.Tensor]) -> CompactShape:
    """Infers the network's size from the weights' names and shapes.

    Raises:
        ImpastoError: they do not have this layout; the message says what was found and what is expected.
    """
    if not weights:
        raise ImpastoError(f"found no weights: {_EXPECTED}")
    places = [name.split(".")[1] for name in weights if name.startswith("body.") and name.count(".") == 2]
    last = max((int(place) for place in places if place.isascii() and place.isdecimal() and len(place) < 6), default=0)
    features = weights["body.0.weight"].shape[0] if "body.0.weight" in weights and weights["body.0.weight"].ndim else 0
    final = weights.get(f"body.{last}.weight")
    scale = round((final.shape[0] / 3) ** 0.5) if final is not None and final.ndim == 4 else 0
    shape = CompactShape(features, (last - 2) // 2, scale)
    if last % 2 or last < 2 or not 1 <= features <= _MOST_FEATURES or shape.convolutions > _MOST_CONVOLUTIONS:
        first = next(iter(weights))
        raise ImpastoError(f"found {first} {list(weights[first].shape)} and {len(weights) - 1} other tensors: {_EXPECTED}")
    with torch.device("meta"):
        wanted = CompactUpscaler(shape).state_dict() if scale in _SCALES else {}
    if not wanted:
        found = list(final.shape) if final is not None else []
        raise ImpastoError(f"found body.{last}.weight {found}: {_EXPECTED}, scale 2, 3 or 4")
    for name in wanted.keys() | weights.keys():
        found = list(weights[name].shape) if name in weights else "nothing"
        needed = list(wanted[name].shape) if name in wanted else "nothing"
        if found != needed:
            raise ImpastoError(f"found {found} under {name}, not {needed}: {_EXPECTED}")
    return shape
