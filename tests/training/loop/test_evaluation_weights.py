"""Averaged weights go into the models to be judged, and out again without a trace."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from impasto.training.loop.evaluation_weights import evaluation_weights, take_evaluation_weights


def test_the_average_is_judged_and_the_trained_weights_come_back() -> None:
    model = torch.nn.Linear(3, 2)
    optimizers: dict[str, torch.optim.Optimizer] = {"model": torch.optim.SGD(model.parameters())}
    average = AveragedModel(model)
    mean = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.mul_(3.0)
    trained = model.weight.detach().clone()
    with pytest.raises(ValueError), evaluation_weights({"model": model}, {"model": average}, optimizers):
        assert torch.equal(model.weight, mean)
        raise ValueError
    assert torch.equal(model.weight, trained)
    take_evaluation_weights({"model": model}, {"model": average}, optimizers)
    assert torch.equal(model.weight, mean)
