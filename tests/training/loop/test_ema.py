from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from impasto.training.loop.ema import EMA, half_life_average, warmed_average


def test_it_is_the_average_of_torchs_with_the_same_rule() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))

    def rule(averaged: Any, current: Any, count: Any) -> None:
        for mine, theirs in zip(averaged, current, strict=True):
            mine.lerp_(theirs, 1 - warmed_average(0.9)(int(count)))

    ours, theirs = EMA(model, warmed_average(0.9)), AveragedModel(model, multi_avg_fn=rule)
    for _ in range(5):
        with torch.no_grad():
            for value in (*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())):
                value.add_(torch.randn_like(value))
        ours.update_parameters(model)
        theirs.update_parameters(model)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert mine.keys() == other.keys()
    assert all(torch.allclose(mine[name].float(), other[name].float()) for name in mine)
    other_start = EMA(model, half_life_average(0.05))
    other_start.load_state_dict(other)
    assert int(other_start.n_averaged) == 5
