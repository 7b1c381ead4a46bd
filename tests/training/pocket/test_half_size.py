"""A doubled autoencoder is halved again: the same latents, so that training goes on from a checkpoint that paints large."""

import pytest
import torch
from tests.training.pocket.test_double_size import SQUARES

from impasto.errors import UsageError
from impasto.training.methods.autoencoder import AutoencoderChoices, decode, make_autoencoder, posterior_of, to_tensor
from impasto.training.pocket.double_size import double_autoencoder, halved
from impasto.training.pocket.half_size import half_autoencoder


@torch.no_grad()
def test_the_latents_are_those_of_the_whole() -> None:
    torch.manual_seed(0)
    begun = make_autoencoder(AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=4), 32).eval()
    large = double_autoencoder(begun, SQUARES[:8])
    small = half_autoencoder(large, SQUARES[:8])
    assert {name: small.config[name] for name in ("block_out_channels", "sample_size")} == {
        "block_out_channels": (16, 24, 32, 48), "sample_size": 32,
    }  # fmt: skip
    pictures = to_tensor(SQUARES[8:])
    wanted, found = posterior_of(large, pictures).mean, posterior_of(small, halved(pictures)).mean
    assert float((found - wanted).square().mean() / wanted.var()) < 0.01
    made, soft = decode(small, wanted), halved(decode(large, wanted))
    assert float((made - soft).square().mean()) < 0.02 * float(soft.var())


def test_another_autoencoder_is_refused() -> None:
    with pytest.raises(UsageError, match="16, 24, 32, 48 channels was not made by doubling"):
        half_autoencoder(
            make_autoencoder(AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=4), 32), SQUARES
        )
