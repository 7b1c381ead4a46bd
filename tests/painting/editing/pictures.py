"""Small pictures to edit: drawn, in every mode and orientation."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def drawn(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth ground with some shapes, so that every pixel has a value of its own."""
    rng = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)
    ground = np.stack([np.add.outer(down * a, across * b) for a, b in rng.uniform(0, 110, (3, 2))], axis=-1)
    image = Image.fromarray((ground + rng.uniform(0, 12, ground.shape)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = rng.integers(0, width), rng.integers(0, height)
        colour = tuple(int(one) for one in rng.integers(0, 255, 3))
        draw.ellipse((int(x), int(y), int(x) + width // 4, int(y) + height // 4), fill=colour)
    return image


def box_mask(size: tuple[int, int], box: tuple[int, int, int, int], grey: int = 255) -> Image.Image:
    """A mask: left, top, right, bottom (without) in white."""
    mask = Image.new("L", size, 0)
    mask.paste(grey, box)
    return mask


def write(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def pixels(image: Image.Image | Path) -> np.ndarray:
    if isinstance(image, Path):
        with Image.open(image) as opened:
            return np.asarray(opened.convert("RGB")).astype(int)
    return np.asarray(image.convert("RGB")).astype(int)


def difference(a: Image.Image | Path, b: Image.Image | Path) -> int:
    return int(np.abs(pixels(a) - pixels(b)).max())
