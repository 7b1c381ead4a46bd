"""The losses of editing and guided sampling, against their equations."""

import math

import pytest
import torch
from torch.nn import functional as F

from impasto.vision.losses import (
    background_preservation,
    directional,
    global_target,
    identity,
    out_of_range,
    spherical_distance,
    total_variation,
    within_mask,
)

EAST, NORTH, WEST = (torch.tensor([values]) for values in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]))


@pytest.mark.parametrize(("a", "b", "angle"), [(EAST, EAST, 0.0), (EAST, NORTH, math.pi / 2), (EAST, WEST, math.pi)])
def test_spherical_distance_is_half_of_the_squared_angle(a: torch.Tensor, b: torch.Tensor, angle: float) -> None:
    assert float(spherical_distance(a, b)) == pytest.approx(angle**2 / 2, abs=0.02)
    assert float(global_target(a, b)) == pytest.approx(1 - math.cos(angle), abs=1e-6)


def test_it_has_gradients_everywhere() -> None:
    for other in (EAST, NORTH, WEST):
        vector = EAST.clone().requires_grad_()
        spherical_distance(vector, other).sum().backward()
        assert vector.grad is not None and torch.isfinite(vector.grad).all()


def test_directional_compares_the_two_ways() -> None:
    drawn = torch.Generator().manual_seed(1)
    made, before, target, source = (F.normalize(torch.randn(3, 8, generator=drawn), dim=1) for _ in range(4))
    found = directional(made, before, target[:1], source[:1])
    for number in range(3):
        moved, asked = made[number] - before[number], target[0] - source[0]
        expected = 1 - float(moved @ asked) / (float(moved.norm()) * float(asked.norm()))
        assert float(found[number]) == pytest.approx(expected, abs=1e-5)
    assert float(directional(NORTH, EAST, NORTH, EAST)) == pytest.approx(0, abs=1e-6)
    assert float(directional(EAST, NORTH, NORTH, EAST)) == pytest.approx(2, abs=1e-6)
    assert float(directional(EAST, EAST, NORTH, EAST)) == 1  # nothing moved


def test_masks_divide_the_picture() -> None:
    before, mask = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    mask[..., :2, :] = 1
    inside, outside = before.clone(), before.clone()
    inside[..., :2, :], outside[..., 2:, :] = 0.5, 0.5
    assert float(background_preservation(inside, before, mask)) == 0
    assert float(background_preservation(outside, before, mask)) == pytest.approx(0.125)
    both = background_preservation(outside, before, mask, lambda a, b: (a - b).abs().amax(dim=(1, 2, 3)))
    assert float(both) == pytest.approx((0.125 + 0.5) / 2)

    def embed(pictures: torch.Tensor) -> torch.Tensor:
        return F.normalize(pictures.mean(dim=(2, 3))[:, :2] + 1e-9, dim=1)

    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert float(within_mask(red, mask, EAST, embed)) == pytest.approx(0, abs=1e-5)
    assert float(within_mask(red, mask, NORTH, embed)) == pytest.approx(1, abs=1e-5)


def test_smooth_and_in_range() -> None:
    flat, steps = torch.full((2, 3, 4, 4), 0.3), torch.zeros(1, 3, 4, 4)
    steps[..., 2:] = 2.0
    assert total_variation(flat).tolist() == [0, 0] and float(total_variation(steps)) == pytest.approx(4 * 4 / 16)
    assert float(out_of_range(steps)) == pytest.approx(0.5) and out_of_range(flat).tolist() == [0, 0]
    assert identity(steps, steps + 0.25).tolist() == [0.25]
