"""Draws training pairs for an upscaler: crops of pictures, and the same halved and slightly degraded, all in 8 bits.

The pictures of a small model are soft, and pictures from archives were compressed by JPEG or WebP. An upscaler trained only
on clean halvings would leave the former soft and sharpen the compression blocks of the latter.
"""

import io
import random

import numpy as np
from PIL import Image, ImageFilter

KERNELS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
_BLURRED, _COMPRESSED = 0.5, 0.35  # shares of the pairs
_BLUR = (0.25, 0.8)  # the Gaussian's deviation in pixels of the small picture
_QUALITY = {"JPEG": (70, 95), "WEBP": (65, 95)}


def halved(square: np.ndarray, scale: int, kernel: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """Reduces a picture by `scale`: uint8 [h, w, 3] -> uint8 [h / scale, w / scale, 3]."""
    image = Image.fromarray(square)
    return np.asarray(image.resize((image.width // scale, image.height // scale), kernel))


def degrade(square: np.ndarray, scale: int, draw: random.Random) -> np.ndarray:
    """Reduces a picture as `halved`, by a kernel drawn at random, often with a slight blur, sometimes with compression."""
    image = Image.fromarray(halved(square, scale, draw.choice(KERNELS)))
    if draw.random() < _BLURRED:
        image = image.filter(ImageFilter.GaussianBlur(draw.uniform(*_BLUR)))
    if draw.random() < _COMPRESSED:
        form = draw.choice(tuple(_QUALITY))
        file = io.BytesIO()
        image.save(file, form, quality=draw.randint(*_QUALITY[form]))
        image = Image.open(file).convert("RGB")
    return np.asarray(image)


def draw_pairs(squares: np.ndarray, crop: int, scale: int, draw: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Draws a crop of each square uint8 [n, h, w, 3], rotated or mirrored, and its degraded version (`degrade`).

    The crops are uint8 [n, crop, crop, 3].
    """
    large, small = [], []
    for square in squares:
        y, x = (draw.randrange(size - crop + 1) for size in square.shape[:2])
        cut = np.rot90(square[y : y + crop, x : x + crop], draw.randrange(4))
        cut = np.ascontiguousarray(cut[:, ::-1] if draw.random() < 0.5 else cut)
        large.append(cut)
        small.append(degrade(cut, scale, draw))
    return np.stack(large), np.stack(small)
