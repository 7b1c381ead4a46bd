from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.drawn import draw_catalogue

from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.catalogue.read import read_catalogue
from impasto.training.losses.alignment import Alignment, FeatureMaps, shapes_for
from impasto.training.methods.denoiser import DenoiserChoices, make_unet

SMALL = DenoiserChoices(block_out_channels=(32, 64), head_width=16, text_width=8)


@pytest.fixture
def pixels(tmp_path: Path) -> Pixels:
    catalogue = read_catalogue(draw_catalogue(tmp_path / "catalogue", count=10))
    return prepare_pixels(catalogue.entries, 64, tmp_path / "cache")[0]


def test_feature_maps_are_standard_and_read_once(pixels: Pixels, tmp_path: Path) -> None:
    asked: list[int] = []
    maps = FeatureMaps(pixels, tmp_path / "cache", on_progress=lambda n, of: asked.append(n))
    everything = np.arange(len(pixels.entries))
    fine, coarse = maps.batch(everything)
    assert (fine.shape[1:], coarse.shape[1:]) == shapes_for(64) == ((120, 4, 4), (352, 2, 2))
    for part in (fine, coarse):
        assert part.mean().abs() < 0.1 and 0.7 < part.std() < 1.1
        assert part.abs().max() <= 4
    again = FeatureMaps(pixels, tmp_path / "cache")
    assert all(torch.equal(a, b) for a, b in zip(again.batch(everything), maps.batch(everything), strict=True))
    assert asked and asked[-1] == len(everything)


def test_the_distance_falls_when_the_unet_learns_to_see() -> None:
    torch.manual_seed(0)
    unet = make_unet(SMALL, 4, 8)
    alignment = Alignment(unet, (3, 5))
    noisy, times, states = torch.randn(4, 4, 8, 8), torch.full((4,), 300), torch.randn(4, 5, 8)
    # What is to be seen follows from the input: its own channels, coarsely.
    coarse = torch.nn.functional.avg_pool2d(noisy, 2)
    targets = [torch.cat([coarse[:, :3]], dim=1), torch.cat([coarse, coarse[:, :1]], dim=1)]
    optimizer = torch.optim.AdamW([*unet.parameters(), *alignment.parameters()], lr=3e-3)
    distances = []
    for _ in range(40):
        unet(noisy, times, states)
        distance = alignment(targets).mean()
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
        distances.append(distance.item())
    assert distances[-1] < 0.3 * distances[0]
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in unet.mid_block.parameters())


def test_the_unet_keeps_its_own_weights_only() -> None:
    unet = make_unet(SMALL, 4, 8)
    before = set(unet.state_dict())
    alignment = Alignment(unet, (3, 5))
    assert set(unet.state_dict()) == before
    assert not any("unet" in name for name in alignment.state_dict())
