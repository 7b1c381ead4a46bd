"""Classifier-free guidance (Ho & Salimans 2022)."""

import torch

from impasto.painting.denoising import Predictor
from impasto.painting.guidance.guiding import Guiding


class Guided:
    """Classifier-free guidance: eps = eps(negative) + w (eps(condition) - eps(negative)), Ho & Salimans 2022.

    The formula holds for velocities as well as for noise, since one is linear in the other at a given x_t.
    """

    def __init__(self, unet: Predictor, weights: torch.Tensor | None, dtype: torch.dtype) -> None:
        """Wrap a U-Net that has its conditions (`Conditions.tell`).

        Args:
            unet: latents [n, C, h, w] -> [n, C, h, w] without guidance; with it, [2n, C, h, w], negative half
                first.
            weights: w of each picture, [n]; None paints without guidance.
            dtype: the U-Net's dtype; the sampler around it stays in fp32.
        """
        self._unet = unet
        self._dtype = dtype
        self._weights = None if weights is None else weights.view(-1, 1, 1, 1)

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        prediction = self._unet(latents.to(self._dtype), timestep).float()
        if self._weights is None:
            return prediction
        away, towards = prediction.chunk(2)
        return away + self._weights * (towards - away)


def predictor(guiding: Guiding) -> Predictor:
    """Returns the CFG predictor: 2 evaluations of the U-Net per step, in one batch; 1 without weights."""
    return Guided(guiding.conditions.tell(guiding.unet), guiding.weights, guiding.dtype)
