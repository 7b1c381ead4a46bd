"""Small pictures of a checkpoint whose latents are coarse are painted in its own size, and reduced."""

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from tests.painting.tiny_components import make_components

from impasto.painting.optimized.decoder import OptimizedDecoder
from impasto.painting.painted_size import painted_size, reduced
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.training.methods.autoencoder import decode


@pytest.mark.parametrize(
    ("asked", "native", "factor", "painted"),
    [
        ((64, 64), 128, 8, (64, 64)),
        ((200, 136), 128, 8, (200, 136)),
        ((256, 256), 256, 16, (256, 256)),
        ((128, 128), 256, 16, (256, 256)),
        ((64, 64), 256, 16, (256, 256)),
        ((192, 128), 256, 16, (320, 208)),
        ((264, 256), 256, 16, (272, 256)),
        ((384, 256), 256, 16, (384, 256)),
    ],
)
def test_which_size_is_painted(asked: tuple[int, int], native: int, factor: int, painted: tuple[int, int]) -> None:
    assert painted_size(*asked, native, factor) == painted


def test_reducing_keeps_what_is_there_and_the_shape() -> None:
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8), "L").convert("RGB").resize((320, 208))
    small = reduced(image, 192, 128)
    assert small.size == (192, 128)
    assert np.abs(np.asarray(small, float).mean() - np.asarray(image, float).mean()) < 1
    assert reduced(image, 320, 208) is image


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    """A painter whose VAE halves four times: 8x8 latents are 128 px."""
    parts = make_components(tmp_path_factory.mktemp("sixteen"))
    torch.manual_seed(0)
    widths = (8, 8, 8, 16, 16)
    parts.vae = AutoencoderKL(
        block_out_channels=widths,  # pyright: ignore[reportArgumentType]
        down_block_types=("DownEncoderBlock2D",) * 5,  # pyright: ignore[reportArgumentType]
        up_block_types=("UpDecoderBlock2D",) * 5,  # pyright: ignore[reportArgumentType]
        layers_per_block=1, norm_num_groups=4, latent_channels=8, sample_size=128,
    ).eval()  # fmt: skip
    parts.default_size = 128
    return Painter(parts)


def _paint(painter: Painter, width: int, height: int) -> Image.Image:
    request = PaintRequest(Condition(caption="boats at sunset"), seed=3, steps=2, width=width, height=height)
    return next(painter.paint_many([request])).image


def test_a_small_painting_is_the_large_one_reduced(sixteen: Painter) -> None:
    large, small = _paint(sixteen, 128, 128), _paint(sixteen, 64, 64)
    assert large.size == (128, 128) and small.size == (64, 64)
    assert np.array_equal(np.asarray(small), np.asarray(reduced(large, 64, 64)))
    assert _paint(sixteen, 136, 128).size == (136, 128)


def test_the_arranged_decoder_takes_any_number_of_levels(sixteen: Painter) -> None:
    vae, latents = sixteen.components.vae, torch.randn(1, 8, 4, 4)
    with torch.inference_mode():
        plain = decode(vae, latents)
        arranged = OptimizedDecoder(vae)(latents)
    assert arranged.shape == (1, 3, 64, 64)
    assert torch.allclose(plain, arranged, atol=1e-4)
