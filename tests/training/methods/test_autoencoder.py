from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vq_model import VQModel
from tests.training.drawn import draw_catalogue, draw_landscape

from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.training.loop.loop import train
from impasto.training.loop.steps import Schedule
from impasto.training.methods.autoencoder import (
    AutoencoderChoices,
    AutoencoderTask,
    decode,
    decoder_effect,
    latents_of,
    make_autoencoder,
    normalise_latents,
    peak_signal_to_noise,
    reconstruct,
    to_tensor,
)
from impasto.training.methods.vq_autoencoder import VqAutoencoderTask, fill_codebook, make_vq_autoencoder, used_codes

SMALL = AutoencoderChoices(
    block_out_channels=(16, 24, 32, 48),
    crop=32,
    crop_batch=2,
    picture_batch=1,
    perceptual_from=2.0,
    adversarial_from=0.5,
)


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    folder = tmp_path_factory.mktemp("drawn")
    catalogue = read_catalogue(draw_catalogue(folder / "catalogue", count=8))
    return prepare_pixels(catalogue.entries, 64, folder / "cache")[0]


def squares(count: int = 6, side: int = 64) -> np.ndarray:
    return np.stack([np.asarray(draw_landscape(seed, side, side)) for seed in range(count)])


def test_the_path_begins_as_a_blur_in_full_colour() -> None:
    torch.manual_seed(0)
    model = make_autoencoder(SMALL, 64).eval()
    real = squares()
    made = reconstruct(model, real)
    assert peak_signal_to_noise(real, made) > 14
    inner = np.s_[:, 16:-16, 16:-16]  # away from the border, where the padding darkens
    colours_real, colours_made = real[inner].mean((1, 2)), made[inner].mean((1, 2))
    assert np.abs(colours_real - colours_made).max() < 30
    assert np.corrcoef(colours_real.ravel(), colours_made.ravel())[0, 1] > 0.95


def test_latents_have_an_eighth_of_the_side() -> None:
    model = make_autoencoder(SMALL, 64)
    assert model.encode(to_tensor(squares(2))).latent_dist.mean.shape == (2, 8, 8, 8)


def test_normalised_latents_deviate_as_much_as_they_matter_and_reconstruct_the_same() -> None:
    torch.manual_seed(0)
    model = make_autoencoder(SMALL, 64).eval()
    real = squares()
    with torch.no_grad():
        before = model.encode(to_tensor(real)).latent_dist
        scale = before.mean.std((0, 2, 3), keepdim=True)
        model.post_quant_conv.weight[:, 5] *= 0.03  # a channel that hardly shows
        made = model.decode(before.mean).sample
        normalise_latents(model, real)
        after = model.encode(to_tensor(real)).latent_dist
        again = model.decode(after.mean).sample
    assert after.mean.mean((0, 2, 3)).abs().max() < 1e-4
    deviation = after.mean.std((0, 2, 3))
    assert deviation.max() == pytest.approx(1, abs=1e-4)
    assert deviation[0] > 0.3 > deviation[5] > 0.09  # brightness, and the channel that hardly shows
    torch.testing.assert_close(after.std, before.std / scale * deviation[:, None, None], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(again, made, rtol=1e-3, atol=1e-3)


def test_the_decoders_effect_is_measured_a_channel_at_a_time() -> None:
    torch.manual_seed(0)
    model = make_autoencoder(SMALL, 64).eval()
    with torch.no_grad():
        model.post_quant_conv.weight[:, 4] = 0
        effect = decoder_effect(model, to_tensor(squares(4)))
    assert effect.shape == (8,)
    assert effect[4] == 0 and effect.argmax() == 0 and effect[0] > 1e-4


def test_training_lowers_the_loss_and_the_adversary_joins(pixels: Pixels, tmp_path: Path) -> None:
    torch.manual_seed(0)
    task = AutoencoderTask(make_autoencoder(SMALL, 64), pixels, SMALL, seed=0, perceptual=False)
    seen: list[dict[str, float]] = []
    train(task, tmp_path, Schedule(steps=24, warmup_steps=2), seed=0, on_progress=lambda n, p, losses: seen.append(losses))
    assert np.mean([row["pixel"] for row in seen[-6:]]) < np.mean([row["pixel"] for row in seen[:3]])
    assert "deceit" not in seen[0] and "deceit" in seen[-1] and "discriminator" in seen[-1]


def test_a_decoder_trained_further_leaves_the_latents(pixels: Pixels) -> None:
    torch.manual_seed(0)
    model = make_autoencoder(SMALL, 64)
    before = model.encode(to_tensor(squares(2))).latent_dist.mean
    task = AutoencoderTask(model, pixels, SMALL, seed=0, perceptual=False, decoder_only=True)
    decoder_weight = model.decoder.conv_in.weight.clone()
    task.step(0, 0.9)
    assert torch.equal(model.encode(to_tensor(squares(2))).latent_dist.mean, before)
    assert not torch.equal(model.decoder.conv_in.weight, decoder_weight)


def test_psnr_of_known_error() -> None:
    flat = np.zeros((1, 4, 4, 3), np.uint8)
    assert peak_signal_to_noise(flat, flat + 255) == pytest.approx(0.0)
    assert peak_signal_to_noise(flat, flat + 1) == pytest.approx(48.1308, abs=1e-3)
    assert peak_signal_to_noise(flat, flat) == float("inf")


@pytest.mark.parametrize("regularisation", ["kl", "vq"])
def test_with_attention_it_still_begins_as_a_blur(regularisation: str) -> None:
    torch.manual_seed(0)
    choices = replace(SMALL, regularisation=regularisation, attention=True)
    model = make_vq_autoencoder(choices, 64) if regularisation == "vq" else make_autoencoder(choices, 64)
    assert any("attentions" in name for name, _ in model.named_parameters())
    real = squares()
    if isinstance(model, VQModel):
        fill_codebook(model, real, seed=0)
    assert peak_signal_to_noise(real, reconstruct(model.eval(), real)) > 14


def test_a_codebook_learns_to_reconstruct(pixels: Pixels, tmp_path: Path) -> None:
    torch.manual_seed(0)
    choices = replace(SMALL, regularisation="vq", codebook=64, latent_channels=4, adversarial_from=0.8)
    model = make_vq_autoencoder(choices, 64)
    real = np.asarray(pixels.batch(np.arange(len(pixels))))
    fill_codebook(model, real, seed=0)
    before, used = peak_signal_to_noise(real, reconstruct(model.eval(), real)), used_codes(model, real)
    assert used > 16  # of the codes as diffusers makes them, one or two are ever the nearest
    codes = model.quantize.embedding.weight.detach().clone()
    task = VqAutoencoderTask(model, pixels, choices, seed=0, perceptual=False)
    train(task, tmp_path, Schedule(steps=40), seed=0)
    assert peak_signal_to_noise(real, reconstruct(model.eval(), real)) > before + 1
    assert not torch.equal(codes, model.quantize.embedding.weight)
    # The decoder gets codes and nothing between them.
    latents = latents_of(model, to_tensor(real[:1]))
    nearest = torch.cdist(latents.permute(0, 2, 3, 1).flatten(0, 2), model.quantize.embedding.weight).argmin(dim=1)
    exact = model.quantize.embedding.weight[nearest].view(1, 8, 8, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(decode(model, latents), decode(model, exact))


@pytest.mark.parametrize("wrong", [{"regularisation": "x"}, {"codebook": 1}, {"regularisation": "vq", "equivariant": True}])
def test_impossible_latents(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)) if len(wrong) == 1 else "equivariant"):
        AutoencoderChoices(**wrong)
