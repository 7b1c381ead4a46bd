"""What diffusers' `train_text_to_image.py` asks of `torchvision.transforms`, by PIL, since torchvision's wheel does not load
beside torch+cpu. For PIL pictures torchvision itself does the same work: `PIL.Image.resize`, and one copy to a tensor."""

import random
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np
import torch
from PIL import Image

Transform = Callable[[Any], Any]


class InterpolationMode(Enum):
    """How `Resize` interpolates."""

    NEAREST = Image.Resampling.NEAREST
    BILINEAR = Image.Resampling.BILINEAR
    BICUBIC = Image.Resampling.BICUBIC
    LANCZOS = Image.Resampling.LANCZOS


class Compose:
    """One after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(self, picture: Any) -> Any:
        for transform in self.transforms:
            picture = transform(picture)
        return picture


class Lambda:
    """A function."""

    def __init__(self, lambd: Transform) -> None:
        self.lambd = lambd

    def __call__(self, picture: Any) -> Any:
        return self.lambd(picture)


class Resize:
    """The short side to `size` px."""

    def __init__(self, size: int, interpolation: InterpolationMode = InterpolationMode.BILINEAR) -> None:
        self.size, self.interpolation = size, interpolation

    def __call__(self, picture: Image.Image) -> Image.Image:
        short = min(picture.size)
        if short == self.size:
            return picture
        sides = [self.size if side == short else int(self.size * side / short) for side in picture.size]
        return picture.resize((sides[0], sides[1]), self.interpolation.value)


class CenterCrop:
    """The middle square of `size` px."""

    def __init__(self, size: int) -> None:
        self.size = size

    def _corner(self, room: int) -> int:
        return round(room / 2)

    def __call__(self, picture: Image.Image) -> Image.Image:
        left, top = (self._corner(side - self.size) for side in picture.size)
        return picture.crop((left, top, left + self.size, top + self.size))


class RandomCrop(CenterCrop):
    """Any square of `size` px."""

    def _corner(self, room: int) -> int:
        return int(torch.randint(room + 1, ()))


class RandomHorizontalFlip:
    """Mirrored with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, picture: Image.Image) -> Image.Image:
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < self.p else picture


class ToTensor:
    """float32 [channels, height, width], 0 to 1."""

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(picture, copy=True)).permute(2, 0, 1).contiguous().float().div(255)


class Normalize:
    """(x - mean) / std, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean, self.std = (torch.tensor(values).view(-1, 1, 1) for values in (mean, std))

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        return (picture - self.mean) / self.std
