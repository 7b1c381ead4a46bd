"""Adaptive projected guidance (Sadat et al. 2024): strong guidance without oversaturated colours.

The guidance step leads from the negative prompt's clean picture to the condition's. Its component parallel to the
condition's picture, which only makes colours stronger, is removed. The length of the rest is limited, and a share of the
previous step is subtracted. diffusers has the same method as `AdaptiveProjectedGuidance`, but importing it takes seconds, it
has one guidance for all pictures, and it projects whatever the U-Net predicts. This module projects clean pictures, as in
the paper.
"""

import torch

from impasto.painting.denoising import Predictor, alpha_bar_at, clean_of
from impasto.painting.guidance.cfg import Guided
from impasto.painting.guidance.guiding import Guiding

# The paper's values for Stable Diffusion 2.1; the length applies to its latents of 4 x 64 x 64 numbers.
PARALLEL_SHARE, MOMENTUM, LONGEST, LATENT_NUMBERS = 0.0, -0.75, 7.5, 4 * 64 * 64
_PICTURE = (1, 2, 3)


class Projection:
    """Combines two clean pictures into the guided one. It keeps state from previous steps, so each batch needs its own."""

    def __init__(self, weights: torch.Tensor) -> None:
        """`weights`: w of each picture, [n, 1, 1, 1]."""
        self._weights = weights
        self._step: torch.Tensor | None = None

    def __call__(self, towards: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
        """Returns D = D_c + (w - 1) step, where `step` is D_c - D_away after momentum, length limit and projection.

        All are clean latents [n, C, h, w].
        """
        step = towards - away
        if self._step is not None:
            step = step + MOMENTUM * self._step
        self._step = step.detach()  # a guide asks for gradients of this step alone
        longest = LONGEST * (step[0].numel() / LATENT_NUMBERS) ** 0.5
        length = torch.linalg.vector_norm(step, dim=_PICTURE, keepdim=True)
        step = (step * (longest / length).clamp(max=1)).double()
        picture = towards.double()
        direction = picture / torch.linalg.vector_norm(picture, dim=_PICTURE, keepdim=True).clamp(min=1e-12)
        along = (step * direction).sum(dim=_PICTURE, keepdim=True) * direction
        return towards + (self._weights - 1) * (step - along + PARALLEL_SHARE * along).to(towards.dtype)


def predictor(guiding: Guiding) -> Predictor:
    """Returns the APG predictor: 2 evaluations of the U-Net per step, in one batch."""
    both = Guided(guiding.conditions.tell(guiding.unet), None, guiding.dtype)
    if guiding.weights is None:
        return both
    project, kind, scheduler = Projection(guiding.each_weight), guiding.prediction_type, guiding.scheduler

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        alpha_bar = alpha_bar_at(scheduler, timestep).to(latents.device)
        away, towards = (clean_of(kind, latents, half, alpha_bar) for half in both(latents, timestep).chunk(2))
        return _prediction_of(kind, latents, project(towards, away), alpha_bar)

    return predict


def _prediction_of(kind: str, latents: torch.Tensor, clean: torch.Tensor, alpha_bar: torch.Tensor) -> torch.Tensor:
    """The inverse of `clean_of`: returns the noise or velocity that corresponds to the clean latents `clean`."""
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    given = signal * latents - clean if kind == "v_prediction" else latents - signal * clean
    return given / noise
