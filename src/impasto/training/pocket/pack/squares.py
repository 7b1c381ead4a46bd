"""Stores training squares as WebP in one file, in the best quality that fits, and loads all of them onto a device."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import pairwise

import numpy as np
import torch
from PIL import Image

from impasto.errors import UsageError

QUALITIES = (85, 80, 75, 70, 65, 60, 55, 50, 45, 40)
LEVELS = 127 / 4  # int8 levels per deviation of a component
_SAMPLE = 256  # pictures that a quality's size is estimated from
Batch = Callable[[np.ndarray], np.ndarray]  # numbers -> uint8 [n, s, s, 3]


def as_webp(square: np.ndarray, quality: int) -> bytes:
    """Encodes uint8 [s, s, 3] as a WebP file."""
    made = BytesIO()
    Image.fromarray(square).save(made, "WEBP", quality=quality, method=6)
    return made.getvalue()


def quality_for(count: int, batch: Batch, budget: int) -> int:
    """Returns the best quality at which `count` pictures take at most `budget` bytes, from a sample and a margin of 2 %.

    Raises:
        UsageError: the pictures do not fit even in the lowest quality.
    """
    squares = batch(np.unique(np.linspace(0, count - 1, min(_SAMPLE, count)).astype(np.int64)))
    size = 0.0
    for quality in QUALITIES:
        size = 1.02 * count * sum(len(as_webp(square, quality)) for square in squares) / len(squares)
        if size <= budget:
            return quality
    raise UsageError(f"{count} pictures take {size / 1e6:.1f} MB, and {max(budget, 0) / 1e6:.1f} MB are left: pack fewer")


def all_as_webp(count: int, batch: Batch, quality: int) -> Iterator[bytes]:
    """Yields the WebP files of pictures 0 to `count`."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, count, 512):
            squares = batch(np.arange(start, min(start + 512, count)))
            yield from pool.map(lambda square: as_webp(square, quality), squares)


def read_squares(data: bytes, ends: Sequence[int]) -> np.ndarray:
    """Decodes the squares uint8 [n, s, s, 3] of concatenated files, each of which ends at one of `ends`."""
    parts = [data[start:end] for start, end in pairwise([0, *ends])]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda part: np.asarray(Image.open(BytesIO(part)).convert("RGB")), parts))
    return np.stack(found) if found else np.zeros((0, 1, 1, 3), np.uint8)


class ResidentSquares:
    """Squares uint8 [n, s, s, 3] in a device's memory."""

    def __init__(self, squares: np.ndarray, device: torch.device) -> None:
        self.all = torch.from_numpy(squares).to(device)

    @property
    def height(self) -> int:
        return self.all.shape[1]

    def __len__(self) -> int:
        return len(self.all)

    def batch(self, numbers: np.ndarray) -> torch.Tensor:
        """Returns the squares `numbers`, uint8 [n, s, s, 3], on the device."""
        return self.all[torch.from_numpy(numbers).to(self.all.device, non_blocking=True)]
