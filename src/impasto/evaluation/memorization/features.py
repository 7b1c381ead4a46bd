"""Feature extractors for finding the training pictures that a painting may copy: EfficientNet-Lite2 or SSCD."""

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from impasto.errors import UsageError
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.scorers.interface import ImageEncoder

USUAL = "efficientnet-lite2"
# The input size of the shipped scorer: if the user has searched or tagged a catalogue, its features are already cached.
_SIDE = 192
_SSCD_SIDE = 288
_FILE = re.compile(r"(?P<path>.+\.(?:pt|safetensors))(?::(?P<sha256>[0-9a-fA-F]{64}))?")
_BATCH = 4


def load_copy_features(name: str = USUAL) -> ImageEncoder:
    """Loads EfficientNet-Lite2 by its name, or SSCD from FILE or FILE:SHA256 (see `checkpoints.sscd`).

    Raises:
        UsageError: `name` is neither of these.
        MissingPart, ImpastoError: the file does not exist, has another hash, contains code or another model's weights.
    """
    if name == USUAL:
        return ImageFeatures(side=_SIDE)
    found = _FILE.fullmatch(name)
    if found is None:
        raise UsageError(f"features {name!r}: use {USUAL}, or SSCD's weights as FILE.pt, FILE.safetensors or FILE:SHA256")
    return SscdFeatures(Path(found["path"]), found["sha256"] or "")


class SscdFeatures:
    """SSCD as an `ImageEncoder` for pictures of any size, resized to squares as its authors do (Pizzi et al. 2022)."""

    def __init__(self, file: Path, sha256: str = "") -> None:
        """Takes the same arguments as `Sscd`."""
        from impasto.vision.features.sscd import Sscd

        self._network = Sscd(file, sha256)
        self.name, self.width, self.identity = self._network.name, self._network.width, self._network.identity

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns unit vectors, float32 [n, 512]."""
        parts, stream = [], iter(images)
        while group := list(islice(stream, _BATCH)):
            parts.append(self._network.of_squares(np.stack([np.asarray(_square(image), np.uint8) for image in group])))
        return np.concatenate(parts) if parts else np.zeros((0, self.width), np.float32)


def _square(image: Image.Image) -> Image.Image:
    return image.convert("RGB").resize((_SSCD_SIDE, _SSCD_SIDE), Image.Resampling.BILINEAR)
