"""Depth and segmentation maps by networks of transformers, whose folders the user names."""

import colorsys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.errors import ImpastoError, MissingPart

_GOLDEN = 0.61803398875  # steps of hue that keep neighbouring numbers apart


def depth(picture: np.ndarray, folder: Path) -> np.ndarray:
    """Returns the relative inverse depth of a picture, near white and far black: uint8 [h, w].

    Args:
        picture: RGB uint8 [h, w, 3].
        folder: a depth model of transformers (DPT/MiDaS, Depth Anything, GLPN), on this machine.

    Raises:
        MissingPart, ImpastoError: there is no such folder, or it holds no depth model.
    """
    network, processor = _load(folder, "AutoModelForDepthEstimation")
    with torch.inference_mode():
        found = network(**processor(images=Image.fromarray(picture), return_tensors="pt")).predicted_depth
    whole = _resized(found[None].float().reshape(1, 1, *found.shape[-2:]), picture)[0, 0]
    low, high = whole.min(), whole.max()
    return (255 * (whole - low) / (high - low).clamp(min=1e-6)).round().to(torch.uint8).numpy()


def segments(picture: np.ndarray, folder: Path) -> np.ndarray:
    """Returns the areas of a picture, each class in a colour of its own: RGB uint8 [h, w, 3].

    ADE20K's 150 colours, which published ControlNets were trained with, come from the model's config, if it names a palette;
    else colours are spread over the circle of hues.

    Args:
        picture: RGB uint8 [h, w, 3].
        folder: a semantic segmentation model of transformers (UperNet, SegFormer), on this machine.

    Raises:
        MissingPart, ImpastoError: there is no such folder, or it holds no segmentation model.
    """
    network, processor = _load(folder, "AutoModelForSemanticSegmentation")
    with torch.inference_mode():
        scores = network(**processor(images=Image.fromarray(picture), return_tensors="pt")).logits
    classes = _resized(scores.float(), picture)[0].argmax(dim=0).numpy()
    return _palette(network.config, scores.shape[1])[classes]


def _resized(maps: torch.Tensor, picture: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.interpolate(maps, size=picture.shape[:2], mode="bilinear", align_corners=False)


def _palette(config: Any, count: int) -> np.ndarray:
    given = getattr(config, "palette", None)
    if isinstance(given, list) and len(given) >= count:
        return np.asarray(given[:count], np.uint8)
    colours = [colorsys.hsv_to_rgb(n * _GOLDEN % 1, 0.9 - 0.4 * (n % 2), 1 - 0.4 * (n % 3 == 2)) for n in range(count)]
    return (255 * np.asarray(colours)).round().astype(np.uint8)


@lru_cache(maxsize=2)
def _load(folder: Path, kind: str) -> tuple[Any, Any]:
    if not (folder / "config.json").is_file():
        raise MissingPart(f"{folder} holds no model of transformers (config.json is missing)")
    import transformers

    try:
        network = getattr(transformers, kind).from_pretrained(folder, local_files_only=True, use_safetensors=True)
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ImpastoError(f"{folder} cannot be loaded for a map: {str(error).splitlines()[0]}") from None
    return network.eval(), processor
