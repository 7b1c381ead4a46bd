"""Samplers that start in the middle: a model that knows the picture finds it again, from every strength."""

from typing import Any

import pytest
import torch
from tests.painting.tiny_components import SCHEDULE

from impasto.painting.denoising import alpha_bar_at, denoise
from impasto.painting.samplers import SAMPLERS
from impasto.painting.schedulers import make_scheduler, set_steps
from impasto.painting.starting import begin, noised, steps_run

ODE = [name for name, spec in SAMPLERS.items() if not spec.stochastic]


def scheduler_of(sampler: str, steps: int, **changes: Any) -> Any:
    scheduler = make_scheduler(sampler, {**SCHEDULE, **changes})
    set_steps(scheduler, steps)
    return scheduler


class Oracle:
    """Predicts the exact noise of x_t for one known picture, and counts and records what it is asked."""

    def __init__(self, scheduler: Any, clean: torch.Tensor) -> None:
        self.scheduler, self.clean, self.asked = scheduler, clean, []

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        self.asked.append(float(timestep))
        alpha_bar = alpha_bar_at(self.scheduler, timestep)
        return (latents - alpha_bar.sqrt() * self.clean) / (1 - alpha_bar).sqrt()


@pytest.mark.parametrize(
    ("steps", "strength", "run"),
    [(25, 0.6, 15), (50, 0.58, 29), (10, 0.7, 7), (3, 0.1, 1), (4, 0.0, 0), (4, 1.0, 4), (4, 0.999, 3), (1, 0.5, 1)],
)
def test_how_many_steps_a_strength_is(steps: int, strength: float, run: int) -> None:
    assert steps_run(steps, strength) == run


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("strength", [0.05, 0.35, 0.6, 0.9])
def test_a_model_that_knows_the_picture_finds_it(sampler: str, strength: float) -> None:
    """At a wrong begin index a sampler takes the noise for more or less than it is, and the picture comes out scaled."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(1, 4, 6, 6, generator=generator)
    noise = torch.randn(1, 4, 6, 6, generator=generator)
    steps = 10 if sampler != "ddpm" else 100
    scheduler = scheduler_of(sampler, steps)
    start = begin(scheduler, steps, strength)
    oracle = Oracle(scheduler, clean)
    latents = noised(scheduler, clean, noise, start.first)
    found = denoise(oracle, latents, scheduler, [torch.Generator().manual_seed(1)], first=start.first)
    # The schedule of ddim, ddpm and plms ends at the lowest noise level, not at none.
    assert float((found - clean).abs().max()) < 0.15
    assert len(oracle.asked) == len(scheduler.timesteps) - start.first
    assert max(oracle.asked) <= 1000 * strength + 1000 / steps


@pytest.mark.parametrize("sampler", ["heun", "plms"])
def test_evaluations_of_the_samplers_that_ask_twice(sampler: str) -> None:
    scheduler = scheduler_of(sampler, 10)
    start = begin(scheduler, 10, 0.5)
    evaluations = len(scheduler.timesteps) - start.first
    assert evaluations == {"heun": 9, "plms": 6}[sampler]


def test_plms_sees_each_timestep_at_its_own_noise_level() -> None:
    """Cut from the whole list, as in diffusers' pipeline, the model would see x at t_k with the timestep t_(k + 1)."""
    whole = scheduler_of("plms", 10).timesteps.unique().flip(0)
    scheduler = scheduler_of("plms", 10)
    begin(scheduler, 10, 0.6)
    assert scheduler.timesteps.tolist() == [*whole[4:6].tolist(), *whole[5:].tolist()]
    last = scheduler_of("plms", 10)
    begin(last, 10, 0.1)
    assert last.timesteps.tolist() == [int(whole[-1])]


def test_lcm_spreads_its_steps_below_the_strength() -> None:
    scheduler = scheduler_of("lcm", 4)
    start = begin(scheduler, 4, 0.5)
    assert (start.run, start.first, len(scheduler.timesteps)) == (4, 0, 4)
    assert int(scheduler.timesteps[0]) == 499
    few = scheduler_of("lcm", 4)
    assert begin(few, 4, 0.02).run == 1  # 50 levels were learned: one of them lies below
    none = scheduler_of("lcm", 4)
    assert begin(none, 4, 0.0).first == len(none.timesteps)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_noise_is_added_as_the_sampler_itself_does(sampler: str) -> None:
    scheduler = scheduler_of(sampler, 10)
    clean, noise = torch.randn(2, 1, 4, 3, 3)
    for index in (0, 3, len(scheduler.timesteps) - 1):
        theirs = scheduler_of(sampler, 10)
        if hasattr(theirs, "set_begin_index"):
            theirs.set_begin_index(index)
        expected = theirs.add_noise(clean, noise, theirs.timesteps[index : index + 1].long() if sampler not in
                                    ("euler", "euler-a", "heun", "dpm++", "dpm++-sde", "unipc")
                                    else theirs.timesteps[index : index + 1])  # fmt: skip
        assert torch.allclose(noised(scheduler, clean, noise, index), expected, atol=1e-5)
    assert noised(scheduler, clean, noise, len(scheduler.timesteps)) is clean


@pytest.mark.parametrize("sampler", ODE)
def test_a_part_with_less_strength_begins_at_the_index_of_that_strength(sampler: str) -> None:
    for share in (0.25, 0.5, 1.0):
        whole, part = scheduler_of(sampler, 12), scheduler_of(sampler, 12)
        start, own = begin(whole, 12, 0.8), begin(part, 12, 0.8 * share)
        index = start.index_at(share)
        assert float(whole.timesteps[index]) == float(part.timesteps[own.first])
    assert begin(scheduler_of(sampler, 12), 12, 0.8).index_at(0) == len(whole.timesteps)


@pytest.mark.parametrize("sampler", ["dpm++", "euler", "heun", "unipc"])
def test_karras_sigmas_too(sampler: str) -> None:
    """pocket's schedule spaces its noise levels by Karras et al. 2022."""
    clean, noise = torch.randn(2, 1, 4, 6, 6, generator=torch.Generator().manual_seed(3))
    scheduler = scheduler_of(sampler, 12, use_karras_sigmas=True)
    start = begin(scheduler, 12, 0.5)
    found = denoise(Oracle(scheduler, clean), noised(scheduler, clean, noise, start.first), scheduler,
                    [torch.Generator()], first=start.first)  # fmt: skip
    assert float((found - clean).abs().max()) < 0.15
