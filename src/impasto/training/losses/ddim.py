"""DDIM's steps without fresh noise (Song et al. 2020, equation 12), either way and with gradients."""

from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler


class DdimSteps:
    """Moves latents between noise levels by a model's predictions.

    Attributes:
        alphas: alpha_bar of every level, float32.
        velocity: whether the model predicts velocity, not noise.
    """

    def __init__(self, scheduler_config: dict[str, Any]) -> None:
        scheduler: Any = DDPMScheduler.from_config(scheduler_config)
        self.alphas: torch.Tensor = scheduler.alphas_cumprod.float()
        self.velocity: bool = scheduler.config.prediction_type == "v_prediction"

    def levels(self, share: float, steps: int) -> list[int]:
        """Returns `steps` + 1 levels from the least noise to `share` of the levels, 0 .. 1, evenly spread."""
        top = max(steps, round(share * (len(self.alphas) - 1)))
        return [round(top * number / steps) for number in range(steps + 1)]

    def move(self, latents: torch.Tensor, prediction: torch.Tensor, start: int, end: int, at: int) -> torch.Tensor:
        """Returns latents [n, C, h, w] at level `end` from those at `start`.

        Args:
            prediction: the model's, of latents at level `at`: `start` when painting; when inverting, `end`, which the model
                is told as the timestep (DDIM inversion).
        """
        here, there, told = (self.alphas[level].to(latents) for level in (start, end, at))
        noise = prediction
        if self.velocity:
            noise = told.sqrt() * prediction + (1 - told).sqrt() * latents
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        return there.sqrt() * clean + (1 - there).sqrt() * noise
