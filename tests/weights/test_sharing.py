import torch
from torch import nn

from impasto.weights.sharing import copy_sharing_weights


def test_a_copy_shares_all_weights_but_those_that_are_replaced() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    other = nn.Parameter(torch.ones(2, 2))
    twin = copy_sharing_weights(model, {id(model[0].weight): other})
    assert twin is not model and twin[0] is not model[0]
    assert twin[0].weight is other and model[0].weight is not other
    assert twin[0].bias is model[0].bias
    assert twin[1].running_mean is model[1].running_mean
