"""What of a picture stays the same when it is cropped, mirrored, recoloured or compressed: where its edges are.

The map is the norm of the colour gradient over the three channels (Di Zenzo 1986): a turn of the hue exchanges channels and
leaves it as it is, brightness and contrast only scale it, and at 64 px nothing is left of JPEG's blocks.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from impasto.errors import MissingPart

SIDE = 64  # px that both sides of a picture are brought to
_BLUR = 0.8  # px: a crop that is half a pixel off must still fit
_MAP = SIDE * SIDE


@dataclass(frozen=True)
class Structure:
    """The edges of one picture: float32 [SIDE, SIDE], 0..255, and the picture's width over its height."""

    edges: np.ndarray
    aspect: float

    @classmethod
    def of_row(cls, row: np.ndarray) -> "Structure":
        """From a row [SIDE * SIDE + 1] of `StructureEncoder`."""
        return cls(row[:_MAP].astype(np.float32).reshape(SIDE, SIDE), float(row[_MAP]))


class StructureEncoder:
    """Pictures -> rows of whole numbers 0..255, exact in float16: the edges, and last the aspect. An `ImageEncoder`."""

    name, width = "structure", _MAP + 1
    identity = hashlib.sha256(f"colour gradient/{SIDE}/{_BLUR}/1".encode()).hexdigest()

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """float32 [n, width] of RGB pictures of any size.

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
    # The square root keeps a few strong edges from outweighing all others. It reaches (3 * 255^2 + 3 * 255^2)^(1/4) = 25.
    strength = np.sqrt(np.sqrt((down**2 + across**2).sum(axis=2)))
    return np.rint(gaussian_filter(strength, _BLUR) * 10).reshape(-1)
