"""Autoguidance (Karras et al. 2024): D_0 + w (D_1 - D_0), where D_0 is the output of a weaker snapshot of the same U-Net.

Both U-Nets get the same conditions: guidance leads away from the weaker one's errors, not from another text.
"""

import torch

from impasto.painting.denoising import Predictor
from impasto.painting.guidance.cfg import Guided
from impasto.painting.guidance.guiding import Guiding


def predictor(guiding: Guiding) -> Predictor:
    """Returns the autoguidance predictor: 1 evaluation of the U-Net and 1 of the weaker one per step."""
    towards = Guided(guiding.conditions.tell_towards(guiding.unet), None, guiding.dtype)
    if guiding.weights is None:
        return towards
    assert guiding.worse is not None
    away, weights = Guided(guiding.conditions.tell_towards(guiding.worse), None, guiding.dtype), guiding.each_weight

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        weaker = away(latents, timestep)
        return weaker + weights * (towards(latents, timestep) - weaker)

    return predict
