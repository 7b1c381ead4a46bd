"""Tiles show no seams, and pictures of every mode and size come out in theirs, only larger."""

import numpy as np
import pytest
from PIL import Image
from tests.checkpoints.upscaler.random_upscaler import random_upscaler

from impasto.errors import ImpastoError, UsageError
from impasto.painting.upscaling.tiles import Upscaler


def upscaler(scale: int = 2) -> Upscaler:
    return Upscaler(random_upscaler(scale=scale), "random", "0" * 64)


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), mode)


@pytest.mark.parametrize(("by", "scale"), [(2, 2), (4, 2), (4, 4), (2, 4), (4, 3)])
def test_tiles_are_the_whole(by: int, scale: int) -> None:
    image = noise(61, 45)
    whole, tiled = (np.asarray(upscaler(scale).upscale(image, by, tile=tile), np.int16) for tile in (0, 16))
    assert whole.shape == (45 * by, 61 * by, 3)
    # A second pass starts from rounded pixels, which may differ by 1 where sums were added up in another order.
    assert np.abs(whole - tiled).max() <= (1 if scale >= by else 3)
    assert np.abs(whole - tiled).mean() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (17, 16), (33, 5)])
def test_any_size(size: tuple[int, int]) -> None:
    assert upscaler().upscale(noise(*size), tile=16).size == (size[0] * 2, size[1] * 2)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_the_mode_stays(mode: str) -> None:
    image = noise(20, 10, mode)
    made = upscaler().upscale(image)
    assert made.mode == mode
    if mode.endswith("A"):
        alpha = image.getchannel("A").resize((40, 20), Image.Resampling.BICUBIC)
        assert np.array_equal(np.asarray(made.getchannel("A")), np.asarray(alpha))
    assert upscaler().upscale(noise(4, 4).convert("P")).mode == "RGB"


def test_progress_is_told_tile_by_tile() -> None:
    told: list[tuple[int, int]] = []
    upscaler().upscale(noise(40, 20), 4, tile=20, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(n, 2 + 8) for n in range(1, 11)]


def test_what_cannot_be() -> None:
    with pytest.raises(ImpastoError, match="megapixels"):
        upscaler().upscale(Image.new("L", (4000, 4000)), 4)
    with pytest.raises(UsageError, match="--by 3"):
        upscaler().upscale(noise(4, 4), 3)
    with pytest.raises(UsageError, match="--tile 3"):
        upscaler().upscale(noise(4, 4), tile=3)


def test_ours_makes_an_edge_steeper_than_bicubic_interpolation_does() -> None:
    drawn = np.full((64, 64, 3), 40, np.uint8)
    drawn[:, 30:] = 200
    small = Image.fromarray(drawn).resize((32, 32), Image.Resampling.BICUBIC)
    made = np.asarray(Upscaler.load().upscale(small), np.int16)
    bicubic = np.asarray(small.resize((64, 64), Image.Resampling.BICUBIC), np.int16)
    # Away from the picture's borders.
    ours, theirs = (np.abs(picture - drawn)[12:-12, 12:-12].mean() for picture in (made, bicubic))
    assert ours < theirs
