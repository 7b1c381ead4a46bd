import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from impasto.training.losses.map_consistency import MapReader, clean_latents, misread, train_reader


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_the_right_prediction_stands_for_the_clean_latents(prediction: str) -> None:
    scheduler = DDPMScheduler()
    clean, noise, times = torch.randn(3, 4, 5, 6), torch.randn(3, 4, 5, 6), torch.tensor([10, 400, 900])
    noised = scheduler.add_noise(clean, noise, times)  # pyright: ignore[reportArgumentType]
    right = {"epsilon": noise, "v_prediction": scheduler.get_velocity(clean, noise, times), "sample": clean}  # pyright: ignore
    found = clean_latents(right[prediction], noised, scheduler.alphas_cumprod[times], prediction)
    torch.testing.assert_close(found, clean, atol=1e-3, rtol=1e-3)


def pictures(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents whose first channel is positive on a square, and the map of the square's left edge."""
    draw = np.random.default_rng(0)
    latents, maps = 0.3 * torch.randn(count, 3, 8, 8), torch.zeros(count, 3, 32, 32)
    for number in range(count):
        top, left = draw.integers(0, 4, 2)
        latents[number, 0, top : top + 4, left : left + 4] += 2
        maps[number, :, 4 * top : 4 * top + 16, 4 * left] = 1
    return latents, maps


def test_a_reader_reads_and_changes_no_generator() -> None:
    latents, maps = pictures()
    before = torch.random.get_rng_state()

    def trained(steps: int) -> MapReader:
        return train_reader(lambda numbers: (latents[numbers], maps[numbers]), len(latents), 3, 4, seed=1, steps=steps)

    reader = trained(150)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not any(weight.requires_grad for weight in reader.parameters())
    torch.manual_seed(0)
    untrained, right = misread(MapReader(3, 4), latents, maps).mean(), misread(reader, latents, maps)
    assert right.shape == (64,) and right.mean() < 0.2 * untrained
    assert misread(reader, latents, maps.roll(1, 0)).mean() > 2 * right.mean(), "another one's map is not read there"
    once, again = trained(5), trained(5)
    assert all(torch.equal(one, two) for one, two in zip(once.parameters(), again.parameters(), strict=True))
