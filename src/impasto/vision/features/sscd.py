"""SSCD, an image descriptor for copy detection (Pizzi et al. 2022): a ResNet-50 with generalised-mean pooling.

Its authors publish the weights for non-commercial use, so they do not come with Impasto: the user names the file. Supported
are `sscd_disc_mixup.torchvision.pt` and similar files, whose tensors are read weights-only, and safetensors with the same
names. TorchScript files contain code and are refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.errors import ImpastoError, MissingPart
from impasto.weights.file_hash import hash_file
from impasto.weights.files import fill_module, read_weights

WIDTH = 512
_GEM_POWER = 3.0
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, 0..1; the model was trained with them
_BATCH = 4


class _Stage(NamedTuple):
    """One of ResNet-50's four stages (He et al. 2016, table 1)."""

    blocks: int
    width: int
    stride: int


_STAGES = (_Stage(3, 64, 1), _Stage(4, 128, 2), _Stage(6, 256, 2), _Stage(3, 512, 2))
_EXPANSION = 4


class _Bottleneck(nn.Module):
    """A bottleneck block: 1x1, 3x3 and 1x1 with a skip connection; the 3x3 has the stride, as in torchvision."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        around = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + around)


class _ResNet50(nn.Module):
    """A ResNet-50 with torchvision's module names and order; the pooling is GeM (Radenović et al. 2018, equation 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for number, stage in enumerate(_STAGES, 1):
            blocks = []
            for place in range(stage.blocks):
                blocks.append(_Bottleneck(inputs, stage.width, stage.stride if place == 0 else 1))
                inputs = stage.width * _EXPANSION
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        pooled = x.clamp(min=1e-6).pow(_GEM_POWER).mean(dim=(2, 3)).pow(1 / _GEM_POWER)
        return self.fc(pooled)


class _SscdNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = _ResNet50()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.backbone(x))


class Sscd:
    """Encodes square pictures as unit vectors float32 [n, 512].

    Attributes:
        identity: the SHA-256 of the weights file.
    """

    name, width = "sscd", WIDTH

    def __init__(self, file: Path, sha256: str = "", *, device: torch.device | str = "cpu") -> None:
        """Loads the weights.

        `file`: `.pt` with tensors only, or `.safetensors`; `sha256`: the expected hash of the file, if known.

        Raises:
            MissingPart: there is no such file.
            ImpastoError: the file has another hash, contains code (TorchScript), or holds weights of another model.
        """
        if not file.is_file():
            raise MissingPart(f"{file}: there is no such file; SSCD's authors publish sscd_disc_mixup.torchvision.pt")
        self.identity = hash_file(file)
        if sha256 and self.identity != sha256.lower():
            raise ImpastoError(f"{file} has SHA-256 {self.identity}, not {sha256.lower()}: fetch it again")
        weights = read_weights([file])
        if "backbone.conv1.weight" not in weights:
            raise ImpastoError(
                f"{file} is not SSCD in torchvision's layout: use sscd_disc_mixup.torchvision.pt, or safetensors of it"
            )
        self._device = torch.device(device)
        self._network = fill_module(_SscdNetwork, weights, file, torch.float32, self._device)

    @torch.inference_mode()
    def of_squares(self, squares: np.ndarray) -> np.ndarray:
        """Returns unit vectors of pictures uint8 [n, side, side, 3]; the authors recommend sides of 288 to 320 px."""
        mean, std = (torch.tensor(values, device=self._device).view(1, 3, 1, 1) for values in (_MEAN, _STD))
        parts: Sequence[np.ndarray] = [
            self._network((self._pixels(squares[start : start + _BATCH]) - mean) / std).cpu().numpy()
            for start in range(0, len(squares), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, WIDTH), np.float32)

    def _pixels(self, squares: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(squares)).to(self._device).permute(0, 3, 1, 2).float() / 255
