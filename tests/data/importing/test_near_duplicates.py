from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from tests.training.drawn import draw_landscape

from impasto.data.importing.near_duplicates import DuplicateFinder, near_hashes
from impasto.data.importing.perceptual_hash import Appearance, appearance_of


def looks(*images: Image.Image) -> list[Appearance]:
    return [appearance_of(image, image.width, image.height) for image in images]


def scene(seed: int) -> Image.Image:
    """Something with more shapes than a landscape, as paintings have."""
    image = draw_landscape(seed, 320, 240)
    for number in range(6):
        patch = draw_landscape(1000 * seed + number, 60, 50)
        place = np.random.default_rng([seed, number]).integers(0, 180, 2)
        image.paste(patch, (int(place[0]), int(place[1])))
    return image


def kept(appearances: Sequence[Appearance]) -> list[int]:
    finder = DuplicateFinder(appearances)
    found = []
    for place in range(len(appearances)):
        if not finder.kept_alike(place):
            finder.keep(place)
            found.append(place)
    return found


def test_pairs_are_those_of_a_plain_comparison() -> None:
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 2**64, 300, dtype=np.uint64)
    near = hashes.copy()
    for place, bits in enumerate(draw.integers(0, 64, (300, 8))):
        for bit in bits[: 1 + place % 8]:
            near[place] ^= np.uint64(1 << int(bit))
    hashes = np.unique(np.concatenate([hashes, near]))
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])
    expected = np.argwhere(np.triu(apart <= 6, 1))
    assert len(expected) > 50
    assert near_hashes(hashes, 6).tolist() == expected.tolist()


def test_no_hashes_have_no_pairs() -> None:
    assert near_hashes(np.zeros(0, np.uint64)).shape == (0, 2)
    assert kept([]) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((160, 120), Image.Resampling.LANCZOS),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
        lambda image: ImageEnhance.Color(image).enhance(0.3),
    ],
    ids=["half the size", "darker", "paler"],
)
def test_another_reproduction_is_the_same(change) -> None:
    for seed in range(5):
        assert kept(looks(scene(seed), change(scene(seed)))) == [0]


def test_other_pictures_are_others() -> None:
    assert kept(looks(*(scene(seed) for seed in range(30)))) == list(range(30))


def test_flat_pictures_differ_by_colour() -> None:
    colours = [(0, 0, 160), (160, 0, 0), (0, 0, 160), (220, 220, 220)]
    assert kept(looks(*(Image.new("RGB", (200, 200), colour) for colour in colours))) == [0, 1, 3]


def test_a_crop_of_another_shape_is_another() -> None:
    whole = scene(3)
    assert kept(looks(whole, whole.resize((240, 240)))) == [0, 1]


def test_thousands_of_equal_hashes_are_no_trouble() -> None:
    appearances = [Appearance(100, 100, 7, bytes([n % 250] * 432)) for n in range(2000)]
    assert len(kept(appearances)) < 100
