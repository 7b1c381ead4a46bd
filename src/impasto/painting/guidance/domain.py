"""Domain Guidance (Zhong et al. 2025): n_0 + w (c - n_0), where n_0 is the original U-Net's negative prediction.

A checkpoint that is retrained on few works moves its prediction for the empty text towards them too, so that classifier-free
guidance points away from them less. The U-Net that it was retrained from has not moved.
"""

import torch

from impasto.painting.denoising import Predictor
from impasto.painting.guidance.cfg import Guided
from impasto.painting.guidance.guiding import Guiding


def predictor(guiding: Guiding) -> Predictor:
    """Returns the Domain Guidance predictor: 1 evaluation of the U-Net and 1 of the original one per step."""
    towards = Guided(guiding.conditions.tell_towards(guiding.unet), None, guiding.dtype)
    if guiding.weights is None:
        return towards
    assert guiding.worse is not None and guiding.conditions.away is not None
    away = Guided(guiding.worse.tell(guiding.conditions.away, guided=False), None, guiding.dtype)
    weights = guiding.each_weight

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        original = away(latents, timestep)
        return original + weights * (towards(latents, timestep) - original)

    return predict
