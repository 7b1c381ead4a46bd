from dataclasses import replace

import pytest
import torch
from torch import nn

from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import DenoiserChoices, make_unet

SMALL = DenoiserChoices(block_out_channels=(32, 32), head_width=16, text_width=8)


def anisotropic_states() -> torch.Tensor:
    """Token states [2000, 8] with a large mean and deviations from 3 down to 0.02."""
    generator = torch.Generator().manual_seed(0)
    deviations = torch.tensor([3.0, 1, 1, 0.7, 0.5, 0.4, 0.3, 0.02])
    turn = torch.linalg.qr(torch.randn(8, 8, generator=generator))[0]
    return torch.randn(2000, 8, generator=generator) * deviations @ turn + 5


def trained_looking_unet(pooling_heads: int) -> nn.Module:
    torch.manual_seed(1)
    unet = make_unet(replace(SMALL, pooling_heads=pooling_heads), 4, 8)
    for parameter in unet.parameters():  # the zeros that training begins with would hide the text
        nn.init.normal_(parameter, std=0.1)
    return unet.eval()


def test_whitened_states_are_centred_and_weigh_alike() -> None:
    states = anisotropic_states()
    white = TextWhitening(states)(states.reshape(20, 100, 8))
    assert white.shape == (20, 100, 8)
    flat = white.reshape(-1, 8)
    variances = torch.linalg.eigvalsh(flat.T @ flat / len(flat))
    assert flat.mean(0).abs().max() < 1e-3
    assert variances[0] < 0.1  # far below the floor: left small rather than blown up to noise
    assert variances[1] > 0.6 and variances[-1] <= 1.001


@pytest.mark.parametrize("pooling_heads", [0, 2])  # without and with the text in the time embedding
@torch.no_grad()
def test_folding_keeps_the_predictions_and_unfolding_undoes_it(pooling_heads: int) -> None:
    states = anisotropic_states()[:154].reshape(2, 77, 8)
    whitening = TextWhitening(anisotropic_states())
    unet = trained_looking_unet(pooling_heads)
    whitening.attach_to(unet)
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    noisy, times = torch.randn(2, 4, 8, 8), torch.tensor([10, 900])
    expected = unet(noisy, times, whitening(states)).sample
    assert not torch.allclose(expected[0], unet(noisy, times, whitening(states.flip(0))).sample[0], atol=1e-3)
    whitening.fold_into(unet)
    torch.testing.assert_close(unet(noisy, times, states).sample, expected, rtol=1e-3, atol=1e-4)
    whitening.unfold_from(unet)
    for name, value in unet.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_tokens_beside_whitened_states_are_folded_with_them() -> None:
    states = anisotropic_states()[:40].reshape(2, 20, 8)
    whitening, unet = TextWhitening(anisotropic_states()), trained_looking_unet(2)
    torch.manual_seed(2)
    layer, hidden = nn.Linear(6, 8), torch.randn(2, 3, 6)
    whitening.attach_to(unet)
    noisy, times = torch.randn(2, 4, 8, 8), torch.tensor([10, 900])
    expected = unet(noisy, times, torch.cat([whitening(states), layer(hidden)], dim=1)).sample
    whitening.fold_into(unet)
    whitening.fold_into_tokens(layer)
    made = unet(noisy, times, torch.cat([states, layer(hidden)], dim=1)).sample
    assert (made - expected).abs().max() < 2e-3 * expected.abs().max()
