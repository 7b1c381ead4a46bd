"""Preprocesses pictures for third-party models: resizes, crops and normalises as `preprocessor_config.json` specifies.

transformers' own processors need torchvision for most of these models, which does not work with a CPU build of torch, so
the preprocessing is implemented here. It equals transformers' Pillow processors to the last bits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.errors import ImpastoError, MissingPart
from impasto.weights.header import WHOLE_AGAIN, read_json

MAX_SIDE = 4096  # maximum side in px that a config may specify
# Of a longer strip only the middle is resized: the crop shows no more, and the memory would have no limit.
MAX_ASPECT = 16

_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class _Kind:
    """The defaults of one of transformers' processors. `square`: whether a size of one number means a square."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: int
    size: int
    square: bool
    crop: int | None = None


_KINDS = {
    "CLIP": _Kind(*_CLIP, Image.Resampling.BICUBIC, 224, square=False, crop=224),
    "ChineseCLIP": _Kind(*_CLIP, Image.Resampling.BICUBIC, 224, square=False, crop=224),
    "Bit": _Kind(*_CLIP, Image.Resampling.BICUBIC, 224, square=False, crop=224),
    "Blip": _Kind(*_CLIP, Image.Resampling.BICUBIC, 384, square=True),
    "Siglip": _Kind(*_HALF, Image.Resampling.BICUBIC, 224, square=True),
    "ViT": _Kind(*_HALF, Image.Resampling.BILINEAR, 224, square=True),
    "DeiT": _Kind(*_HALF, Image.Resampling.BICUBIC, 256, square=True, crop=224),
}
# The kinds of model types, for old files that name no processor, such as google/vit-base-patch16-224's.
_OF_MODELS = {
    "vit": "ViT", "swin": "ViT", "deit": "DeiT", "clip": "CLIP", "git": "CLIP", "siglip": "Siglip", "blip": "Blip",
    "blip-2": "Blip", "dinov2": "Bit", "chinese_clip": "ChineseCLIP",
}  # fmt: skip
_SUFFIXES = ("ImageProcessorFast", "ImageProcessorPil", "ImageProcessor", "FeatureExtractor")


@dataclass(frozen=True)
class ImagePreprocessing:
    """Converts pictures to arrays: resize, crop the centre, scale, subtract the mean, divide by the deviation.

    Attributes:
        size: (height, width) in px, or the short side's px; None: no resizing.
        crop: (height, width) of the centre in px; None: no crop.
        resample: Pillow's number of the filter.
        scale: factor for the values 0..255.
        mean, std: of red, green and blue, after scaling.
    """

    size: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    resample: Image.Resampling
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns float32 [n, 3, height, width] of pictures of any size and mode."""
        return np.stack([self._prepare(image.convert("RGB")) for image in images])

    @property
    def side(self) -> int:
        """The shorter side in px of what the model sees."""
        seen = self.crop or self.size
        return min(seen) if isinstance(seen, tuple) else int(seen or 0)

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns pictures [n, 3, side, side] in 0 .. 1 as the model takes them, with gradients."""
        mean, std = (torch.tensor(values, device=pixels.device).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (pixels * (255 * self.scale) - mean) / std

    def _prepare(self, image: Image.Image) -> np.ndarray:
        if isinstance(self.size, int):
            image = _cut_strip(image)
            width, height = image.size
            short, long = self.size, int(self.size * max(width, height) / min(width, height))
            image = image.resize((short, long) if width <= height else (long, short), self.resample)
        elif self.size is not None:
            height, width = self.size
            image = image.resize((width, height), self.resample)
        if self.crop is not None:
            height, width = self.crop
            left, top = (image.width - width) // 2, (image.height - height) // 2
            image = image.crop((left, top, left + width, top + height))  # black where the picture is smaller
        pixels = np.asarray(image, np.float32) * np.float32(self.scale)
        normal = (pixels - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return normal.transpose(2, 0, 1)


def _cut_strip(image: Image.Image) -> Image.Image:
    width, height = image.size
    most = min(width, height) * MAX_ASPECT
    if max(width, height) <= most:
        return image
    left, top = max(0, width - most) // 2, max(0, height - most) // 2
    return image.crop((left, top, width - left, height - top))


def read_preprocessing(folder: Path) -> ImagePreprocessing:
    """Reads the folder's `preprocessor_config.json` (or, in newer folders, `processor_config.json`).

    Raises:
        MissingPart: neither file exists.
        ImpastoError: the file is broken, or specifies an operation that is not implemented here.
    """
    file, config = _read_config(folder)
    name = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    kind = next((_KINDS.get(name.removesuffix(end)) for end in _SUFFIXES if name.endswith(end)), None)
    if not name and (folder / "config.json").is_file():
        kind = _KINDS.get(_OF_MODELS.get(str(read_json(folder / "config.json").get("model_type")), ""))
    if kind is None:
        raise ImpastoError(f"{file} prepares pictures by {name or 'nothing named'!r}; known are {', '.join(_KINDS)}")
    try:
        made = _preprocessing(config, kind)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ImpastoError(f"{file} cannot be followed ({error}): {WHOLE_AGAIN}") from None
    if made.crop is None and not isinstance(made.size, tuple):
        raise ImpastoError(f"{file} leaves pictures at different sizes, which cannot be looked at together")
    return made


def _read_config(folder: Path) -> tuple[Path, dict[str, Any]]:
    own, shared = folder / "preprocessor_config.json", folder / "processor_config.json"
    if own.is_file():
        return own, read_json(own)
    content = read_json(shared) if shared.is_file() else {}
    if not isinstance(content.get("image_processor"), dict):
        raise MissingPart(f"{own} is missing, which says how pictures are prepared: {WHOLE_AGAIN}")
    return shared, content["image_processor"]


def _preprocessing(config: dict[str, Any], kind: _Kind) -> ImagePreprocessing:
    def asked(key: str, otherwise: Any) -> Any:
        value = config.get(key)
        return otherwise if value is None else value

    mean, std = (0.0,) * 3, (1.0,) * 3
    if asked("do_normalize", True):
        mean, std = _colours(asked("image_mean", kind.mean)), _colours(asked("image_std", kind.std))
    if min(std) <= 0:
        raise ValueError("image_std is not above 0")
    scale = float(asked("rescale_factor", 1 / 255)) if asked("do_rescale", True) else 1.0
    size, crop = None, None
    if asked("do_resize", True):
        size = _size(asked("size", kind.size), kind.square)
    if asked("do_center_crop", kind.crop is not None):
        crop = _size(asked("crop_size", kind.crop), square=True)
        if isinstance(crop, int):
            raise ValueError("crop_size is no height and width")
    return ImagePreprocessing(size, crop, Image.Resampling(asked("resample", kind.resample)), scale, mean, std)


def _colours(values: Any) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) != 3 or not all(map(math.isfinite, found)):
        raise ValueError("not a number for each of red, green and blue")
    return found


def _size(value: Any, square: bool) -> tuple[int, int] | int:
    """Returns (height, width), or the short side alone."""
    if isinstance(value, dict):
        given = {key: _side(side) for key, side in value.items() if side is not None}
        if given.keys() == {"height", "width"}:
            return given["height"], given["width"]
        if given.keys() != {"shortest_edge"}:
            raise ValueError(f"a size of {', '.join(map(str, given)) or 'nothing'}")
        return given["shortest_edge"]
    side = _side(value)
    return (side, side) if square else side


def _side(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
        raise ValueError(f"a side of {value!r} px")
    return value
