"""Starts a sampler in the middle of its steps, from a noised picture instead of noise (SDEdit, Meng et al. 2022).

The strength is the share of the steps that are run: floor(steps * strength), as in diffusers' img2img pipeline, but at least
one, and none at strength 0. At strength 1 all steps run from noise alone, so that nothing of the picture is left: the
result is the painting of that seed. (diffusers adds the noise to the picture there, too; 7 % of it remain with Stable
Diffusion's schedule.) With `lcm`, whose few steps would make few strengths, all run, spread over the levels below.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from diffusers.schedulers.scheduling_pndm import PNDMScheduler

_ROUNDING = 1e-9  # 50 * 0.58 is 28.999999999999996, and means 29


def steps_run(steps: int, strength: float) -> int:
    """Returns how many of `steps` steps are run at a strength of 0 .. 1."""
    if strength <= 0:
        return 0
    return min(steps, max(1, math.floor(steps * strength + _ROUNDING)))


@dataclass(frozen=True)
class Start:
    """Where a scheduler starts.

    Attributes:
        first: index of the first of the scheduler's timesteps that is evaluated; their number, if none is.
        run: number of steps that are run.
        strength: the share that was asked for.
        is_noise: whether it starts from noise alone.
    """

    first: int
    run: int
    strength: float
    is_noise: bool
    _last: int
    _all_steps: int = 0
    _order: int = 1
    _evaluated_twice: bool = False

    def index_at(self, share: float) -> int:
        """Returns the index from which on a part of the picture with a smaller strength is evaluated.

        Args:
            share: of the strength, 0 .. 1. 0 gives the number of timesteps: it is never evaluated.
        """
        if share <= 0 or not self.run:
            return self._last
        skipped = self.run - min(self.run, max(1, math.floor(self._steps_at(share) + _ROUNDING)))
        if self._evaluated_twice:  # plms evaluates its second timestep twice
            return skipped + 1 if skipped else 0
        return self.first + skipped * self._order

    def _steps_at(self, share: float) -> float:
        # Relative to all steps, not to those that are run: floor is taken once.
        return self._all_steps * self.strength * share if self._all_steps else self.run * share


def begin(scheduler: Any, steps: int, strength: float) -> Start:
    """Sets a scheduler, whose timesteps are set by `set_steps`, to start at this strength, and returns where it starts.

    The scheduler keeps all its timesteps, because the multistep ones count them; only those from `first` on are to be
    evaluated. The exceptions are lcm, whose steps are spread anew, and plms, whose list is shortened: its second timestep is
    evaluated twice, wherever it starts (merely cut, as by diffusers' pipeline, the list lets the model see every later step
    with the timestep of the next).

    Args:
        scheduler: from `make_scheduler`.
        steps: the number given to `set_steps`.
        strength: 0 .. 1.
    """
    run = steps_run(steps, strength)
    if isinstance(scheduler, LCMScheduler) and 0 < strength < 1:
        return _begin_lcm(scheduler, steps, strength)
    is_noise = strength >= 1
    if run == 0:
        last = len(scheduler.timesteps)
        return Start(last, 0, strength, is_noise=False, _last=last)
    if isinstance(scheduler, PNDMScheduler):
        timesteps: Any = scheduler.timesteps
        if run < steps:
            levels = timesteps.unique().flip(0)[steps - run :]
            timesteps = scheduler.timesteps = torch.cat([levels[:2], levels[1:]])
        return Start(0, run, strength, is_noise, _evaluated_twice=True, _last=len(timesteps), _all_steps=steps)
    first = (steps - run) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return Start(
        first, run, strength, is_noise, _last=len(scheduler.timesteps), _order=scheduler.order, _all_steps=steps
    )  # fmt: skip


def _begin_lcm(scheduler: LCMScheduler, steps: int, strength: float) -> Start:
    known = min(int(scheduler.config["num_train_timesteps"]), int(scheduler.config["original_inference_steps"]))
    levels = max(1, math.floor(known * strength + _ROUNDING))
    run = min(steps, levels)
    device = scheduler.timesteps.device
    # Half a level more: the scheduler rounds the product down once more.
    scheduler.set_timesteps(run, device=device, original_inference_steps=known, strength=min(1.0, (levels + 0.5) / known))
    scheduler.set_begin_index(0)
    return Start(0, run, strength, is_noise=False, _last=len(scheduler.timesteps))


def noised(scheduler: Any, clean: torch.Tensor, noise: torch.Tensor, index: int) -> torch.Tensor:
    """Returns clean latents with the noise of one level added, as the sampler holds them before it evaluates that timestep.

    That is sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise (Ho et al. 2020, equation 4), or x_0 + sigma noise for the
    samplers that count in sigma. After the last timestep the latents are clean. Unlike the scheduler's own `add_noise`, it
    does not depend on how far the scheduler has gone.

    Args:
        clean, noise: [n, C, h, w].
        index: into the scheduler's timesteps.
    """
    if index >= len(scheduler.timesteps):
        return clean
    if (sigmas := getattr(scheduler, "sigmas", None)) is None:
        alpha_bar = scheduler.alphas_cumprod[int(scheduler.timesteps[index])].to(clean)
        return alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
    sigma = sigmas[index].to(clean)
    if not hasattr(scheduler, "_sigma_to_alpha_sigma_t"):
        return clean + sigma * noise
    signal = 1 / (sigma**2 + 1).sqrt()  # DPM-Solver++ and UniPC keep the variance
    return signal * clean + signal * sigma * noise
