"""An autoencoder for pictures twice as large that begins with the same latents and the same pictures."""

import numpy as np
import pytest
import torch
from tests.training.drawn import draw_landscape

from impasto.errors import UsageError
from impasto.training.methods.autoencoder import AutoencoderChoices, decode, make_autoencoder, posterior_of, to_tensor
from impasto.training.pocket.double_size import double_autoencoder, halved, interpolated

SQUARES = np.stack([np.asarray(draw_landscape(n, 64, 64), np.uint8) for n in range(12)])


@torch.no_grad()
def test_latents_and_pictures_are_those_of_the_half() -> None:
    torch.manual_seed(0)
    small = make_autoencoder(AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=4), 32).eval()
    before = {name: value.clone() for name, value in small.state_dict().items()}
    large = double_autoencoder(small, SQUARES[:8])
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())
    assert tuple(large.config["block_out_channels"]) == (16, 16, 24, 32, 48)
    assert large.config["sample_size"] == 64
    pictures = to_tensor(SQUARES[8:])
    wanted, found = posterior_of(small, halved(pictures)), posterior_of(large, pictures)
    assert found.mean.shape == (4, 4, 4, 4)
    error = (found.mean - wanted.mean).square().mean() / wanted.mean.var()
    assert float(error) < 0.01
    made, soft = decode(large, wanted.mean), interpolated(small, wanted.mean)
    assert float((made - soft).square().mean()) < 0.02 * float(soft.var())


def test_too_narrow_a_level_is_refused() -> None:
    torch.manual_seed(0)
    small = make_autoencoder(AutoencoderChoices(block_out_channels=(16, 24, 32, 48), latent_channels=4), 32)
    small.register_to_config(block_out_channels=(8, 24, 32, 48))
    with pytest.raises(UsageError, match="8 channels"):
        double_autoencoder(small, SQUARES)
