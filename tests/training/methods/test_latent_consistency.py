"""The equations of latent consistency against the paper's, computed apart in float64."""

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from tests.painting.tiny_components import SCHEDULE

from impasto.training.methods.latent_consistency import LatentConsistency

PREDICTIONS = ("epsilon", "v_prediction", "sample")
ALPHA_BAR = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)


def consistency(prediction: str = "epsilon", **schedule: object) -> LatentConsistency:
    return LatentConsistency({**SCHEDULE, "prediction_type": prediction, **schedule}, leap=20, huber=0.001)


def few_steps(steps: int) -> LatentConsistency:
    return LatentConsistency({**SCHEDULE, "prediction_type": "v_prediction"}, leap=0, huber=0.001, steps=steps)


def answered(prediction: str, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """What a perfect model says of these at `times`."""
    signal, spread = (torch.from_numpy(f(ALPHA_BAR)[times]).view(-1, 1, 1, 1) for f in (np.sqrt, lambda a: np.sqrt(1 - a)))
    return {"epsilon": noise, "sample": clean, "v_prediction": signal * noise - spread * clean}[prediction]


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_one_step_of_a_perfect_teacher_stays_on_the_line(prediction: str) -> None:
    loss, times = consistency(prediction), torch.tensor([999, 499, 19, 7])
    clean, noise = torch.randn(2, 4, 2, 3, 3, dtype=torch.float64)
    noisy = loss.noised(clean, drawn_at(noise, times))
    said = answered(prediction, clean, noise, times)
    assert torch.equal(loss.earlier(times), torch.tensor([979, 479, 0, 0]))
    stepped = loss.step(said, noisy, times, loss.earlier(times))
    assert torch.allclose(stepped, loss.noised(clean, drawn_at(noise, loss.earlier(times))), atol=1e-4)
    assert torch.allclose(loss.clean(said, noisy, times), clean, atol=1e-4)


def drawn_at(noise: torch.Tensor, times: torch.Tensor):
    from impasto.training.losses.diffusion import Noise

    return Noise(noise, times)


def test_the_boundary_is_the_papers_and_level_0_the_identity() -> None:
    loss, times = consistency("sample"), torch.tensor([0, 1, 259])
    noisy, said = torch.randn(2, 3, 2, 3, 3)
    made = loss.consistent(said, noisy, times)
    assert torch.equal(made[0], noisy[0])
    for place, t in enumerate((0, 10, 2590)):
        skip, out = 0.25 / (t**2 + 0.25), t / (t**2 + 0.25) ** 0.5
        assert torch.allclose(made[place], skip * noisy[place] + out * said[place], atol=1e-5)


def test_levels_are_the_samplers_and_all_are_drawn() -> None:
    torch.manual_seed(0)
    drawn = consistency().draw((500, 1, 2, 2))
    assert set(drawn.times.tolist()) == set(range(19, 1000, 20))
    few = consistency(num_train_timesteps=30).draw((300, 1, 2, 2))
    assert set(few.times.tolist()) == set(range(30))


@pytest.mark.parametrize("steps", [1, 3, 4, 8])
def test_without_a_leap_the_levels_are_those_that_the_student_paints_at(steps: int) -> None:
    loss, sampler = few_steps(steps), LCMScheduler.from_config(SCHEDULE)
    sampler.set_timesteps(steps)
    painted_at = sampler.timesteps
    torch.manual_seed(0)
    assert set(loss.draw((200, 1, 2, 2)).times.tolist()) == set(painted_at.tolist())
    assert loss.earlier(painted_at).tolist() == [*painted_at.tolist()[1:], 0]


def test_the_distance_is_pseudo_huber() -> None:
    one, other = torch.zeros(2, 1, 2, 2), torch.tensor([0.0, 3.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    assert consistency().distances(one, other).tolist() == pytest.approx([0.0, (9 + 1e-6) ** 0.5 - 1e-3])
