"""Classifier-free guidance in a limited interval of noise levels (Kynkäänniemi et al. 2024).

At the highest noise levels guidance reduces variety, and at the lowest it has no effect. Outside the interval, only the
condition is evaluated.
"""

import torch

from impasto.painting.denoising import Predictor
from impasto.painting.guidance.cfg import Guided
from impasto.painting.guidance.guiding import Guiding


def predictor(guiding: Guiding) -> Predictor:
    """Returns the interval predictor: 2 evaluations of the U-Net per step inside the interval, 1 outside."""
    guided = Guided(guiding.conditions.tell(guiding.unet), guiding.weights, guiding.dtype)
    if guiding.weights is None:
        return guided
    alone = Guided(guiding.conditions.tell_towards(guiding.unet), None, guiding.dtype)
    levels = int(guiding.scheduler.config.num_train_timesteps)
    lowest, highest = guiding.interval

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        inside = lowest <= float(timestep) / levels <= highest
        return (guided if inside else alone)(latents, timestep)

    return predict
