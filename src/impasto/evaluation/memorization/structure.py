"""Edge maps of pictures, which stay the same when a picture is cropped, mirrored, recoloured or compressed.

The map is the norm of the colour gradient over the three channels (Di Zenzo 1986). A hue rotation exchanges channels and
does not change the map, brightness and contrast only scale it, and at 64 px JPEG's block artefacts disappear.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from impasto.errors import MissingPart

SIDE = 64  # px of both sides after resizing
_BLUR = 0.8  # px: a crop that is half a pixel off must still fit
_MAP = SIDE * SIDE


@dataclass(frozen=True)
class Structure:
    """The edges of one picture: float32 [SIDE, SIDE], 0..255, and the picture's width over its height."""

    edges: np.ndarray
    aspect: float

    @classmethod
    def of_row(cls, row: np.ndarray) -> "Structure":
        """Builds a structure from a row [SIDE * SIDE + 1] of `StructureEncoder`."""
        return cls(row[:_MAP].astype(np.float32).reshape(SIDE, SIDE), float(row[_MAP]))


class StructureEncoder:
    """An `ImageEncoder` whose rows are the edges (integers 0..255, exact in float16) followed by the aspect."""

    name, width = "structure", _MAP + 1
    identity = hashlib.sha256(f"colour gradient/{SIDE}/{_BLUR}/1".encode()).hexdigest()

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Encodes RGB pictures of any size to float32 [n, width].

        Raises:
            MissingPart: SciPy is not installed.
        """
        rows = [np.append(_edges(image), image.width / image.height) for image in images]
        return np.array(rows, np.float32).reshape(len(rows), self.width)


def _edges(image: Image.Image) -> np.ndarray:
    try:
        from scipy.ndimage import gaussian_filter
    except ImportError:
        raise MissingPart("comparing pictures needs SciPy: pip install 'impasto[judge]'") from None
    small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    down, across = np.gradient(np.asarray(small, np.float32), axis=(0, 1))
    # The square root prevents a few strong edges from dominating. Its maximum is (3 * 255^2 + 3 * 255^2)^(1/4) = 25.
    strength = np.sqrt(np.sqrt((down**2 + across**2).sum(axis=2)))
    return np.rint(gaussian_filter(strength, _BLUR) * 10).reshape(-1)
