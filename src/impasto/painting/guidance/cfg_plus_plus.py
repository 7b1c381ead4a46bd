"""CFG++ (Chung et al. 2024, algorithm 2): steps to the condition's clean picture, and renoises with the negative's noise.

A DDIM step from x_t with CFG++ equals its step with classifier-free guidance of the strength
lambda / (1 - sigma_s / sigma_t), where sigma = sqrt(1 - alpha_bar) / sqrt(alpha_bar) and s is the next timestep. The same
holds for an Euler step.
"""

from itertools import pairwise
from typing import Any

import torch

from impasto.painting.denoising import Predictor
from impasto.painting.guidance.cfg import Guided
from impasto.painting.guidance.guiding import Guiding


def predictor(guiding: Guiding) -> Predictor:
    """Returns the CFG++ predictor: 2 evaluations of the U-Net per step, in one batch."""
    both = Guided(guiding.conditions.tell(guiding.unet), None, guiding.dtype)
    weights, factors = guiding.each_weight, step_factors(guiding.scheduler)

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        away, towards = both(latents, timestep).chunk(2)
        return away + weights * factors[float(timestep)] * (towards - away)

    return predict


def step_factors(scheduler: Any) -> dict[float, float]:
    """Returns 1 / (1 - sigma_s / sigma_t) for each timestep of a DDIM or Euler scheduler with its timesteps set."""
    if hasattr(scheduler, "final_alpha_cumprod"):
        stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
        levels = [int(timestep) for timestep in scheduler.timesteps]
        now = [float(scheduler.alphas_cumprod[level]) for level in levels]
        after = [level - stride for level in levels]
        then = [float(scheduler.alphas_cumprod[level] if level >= 0 else scheduler.final_alpha_cumprod) for level in after]
        ratios = [_sigma(s) / _sigma(t) if t > 0 else 0.0 for t, s in zip(now, then, strict=True)]
    else:
        sigmas = [float(sigma) for sigma in scheduler.sigmas]
        ratios = [s / t for t, s in pairwise(sigmas)]
    # A step that does not change the noise level does not change the latents, whatever the prediction.
    factors = [1 / (1 - ratio) if ratio < 1 else 1.0 for ratio in ratios]
    return {float(timestep): factor for timestep, factor in zip(scheduler.timesteps, factors, strict=True)}


def _sigma(alpha_bar: float) -> float:
    return ((1 - alpha_bar) / alpha_bar) ** 0.5
