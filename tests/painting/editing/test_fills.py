"""What is in the masked part before it is painted."""

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.editing.pictures import drawn, pixels

from impasto.painting.editing.fills import filled, latent_noise


def hole(size: tuple[int, int] = (48, 40)) -> np.ndarray:
    mask = np.zeros((size[1], size[0]), np.float32)
    mask[10:30, 12:36] = 1
    return mask


@pytest.mark.parametrize("fill", ["original", "blur", "noise", "latent-noise"])
def test_nothing_outside_changes(fill: str) -> None:
    image, mask = drawn(48, 40), hole()
    made = filled(image, mask, fill, 3)  # pyright: ignore[reportArgumentType]
    assert np.array_equal(pixels(made)[mask == 0], pixels(image)[mask == 0])
    assert np.array_equal(pixels(made), pixels(image)) == (fill in ("original", "latent-noise"))


def test_blur_forgets_what_was_there_and_continues_the_surroundings() -> None:
    """InvokeAI: what is to be replaced must not shine through."""
    image, mask = Image.new("RGB", (48, 40), (20, 120, 200)), hole()
    image.paste((255, 0, 0), (14, 12, 34, 28))
    assert np.abs(pixels(filled(image, mask, "blur", 0)) - (20, 120, 200)).max() <= 1
    ramp = Image.fromarray(np.repeat(np.linspace(0, 240, 48).astype(np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2))
    found = pixels(filled(ramp, mask, "blur", 0))[20, 12:36, 0]
    assert (np.diff(found) >= -1).all() and found[0] < 90 and found[-1] > 150  # from left to right


def test_noise_has_the_colours_of_the_surroundings() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(np.clip(rng.normal((60, 120, 180), 20, (200, 200, 3)), 0, 255).astype(np.uint8))
    mask = np.zeros((200, 200), np.float32)
    mask[50:150, 50:150] = 1
    inside = pixels(filled(image, mask, "noise", 5))[60:140, 60:140].reshape(-1, 3)
    assert np.abs(inside.mean(axis=0) - (60, 120, 180)).max() < 6
    assert np.abs(inside.std(axis=0) - 20).max() < 4
    assert np.array_equal(pixels(filled(image, mask, "noise", 5)), pixels(filled(image, mask, "noise", 5)))
    assert not np.array_equal(pixels(filled(image, mask, "noise", 5)), pixels(filled(image, mask, "noise", 6)))


def test_a_mask_of_everything_has_no_surroundings() -> None:
    image, mask = drawn(48, 40), np.ones((40, 48), np.float32)
    assert pixels(filled(image, mask, "blur", 0)).std(axis=(0, 1)).max() == 0
    assert pixels(filled(image, mask, "noise", 0)).std() > 5


def test_latent_noise() -> None:
    clean, mask = torch.zeros(1, 4, 20, 20), torch.zeros(1, 1, 20, 20)
    mask[..., 5:15, :] = 1
    made = latent_noise(clean, mask, 3)
    assert float(made[..., :5, :].abs().max()) == 0
    assert 0.9 < float(made[..., 5:15, :].std()) < 1.1
