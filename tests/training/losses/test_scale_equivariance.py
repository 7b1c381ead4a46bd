import random

import torch

from impasto.training.losses.scale_equivariance import turned_and_resized


def test_latents_and_pictures_are_turned_and_resized_alike() -> None:
    pictures = torch.linspace(-1, 1, 64 * 64).view(1, 1, 64, 64).expand(2, 3, 64, 64)
    latents = torch.nn.functional.avg_pool2d(pictures, 8)
    still, sides = 0, set()
    for number in range(300):
        made, shown = turned_and_resized(latents, pictures, random.Random(number))
        assert shown.shape[-1] == 8 * made.shape[-1]
        assert (torch.nn.functional.avg_pool2d(shown, 8) - made).abs().max() < 0.15
        still += made is latents
        sides.add(made.shape[-1])
    assert 110 < still < 190
    assert sides == set(range(2, 9))
