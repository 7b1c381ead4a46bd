"""Which timesteps are drawn, and what their errors weigh."""

import pytest
import torch
from tests.painting.tiny_components import SCHEDULE

from impasto.training.losses.diffusion import DiffusionLoss


def test_a_bias_draws_the_noisiest_quarter_as_many_times_as_often() -> None:
    torch.manual_seed(0)
    plain = DiffusionLoss(SCHEDULE, snr_gamma=None).draw((8000, 1, 1, 1)).times
    biased = DiffusionLoss(SCHEDULE, snr_gamma=None, timestep_bias=9.0).draw((8000, 1, 1, 1)).times
    assert float((plain >= 750).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float((biased >= 750).float().mean()) == pytest.approx(9 * 0.25 / (9 * 0.25 + 0.75), abs=0.01)
    # Within the quarter, and within the rest, all are alike.
    for part in (biased[biased >= 750] - 750, biased[biased < 750] / 3):
        assert float(part.float().mean()) == pytest.approx(124.5, abs=3)
    assert int(biased.min()) >= 0 and int(biased.max()) == 999
