"""Rotates and resizes latents together with their pictures, for the EQ-VAE regularisation (Kouzelis et al. 2025).

If a decoder also reads rotated and resized latents, their coarse part comes to represent the picture's coarse part. Such
latents are smoother, and a denoiser learns them faster.
"""

import random

import torch
from torch.nn import functional as F

_SMALLEST = 0.25  # of the side


def turned_and_resized(
    latents: torch.Tensor, pictures: torch.Tensor, draw: random.Random
) -> tuple[torch.Tensor, torch.Tensor]:
    """Half the time returns both unchanged; else rotates both by quarter turns and, in three of four of those, resizes both.

    Args:
        latents, pictures: [n, c, h, h] and [n, 3, f h, f h].
    """
    if draw.random() < 0.5:
        return latents, pictures
    turns = draw.randrange(4)
    latents, pictures = latents.rot90(turns, (2, 3)), pictures.rot90(turns, (2, 3))
    side = latents.shape[-1]
    wanted = draw.randint(max(1, round(_SMALLEST * side)), side)
    if draw.random() < 0.25 or wanted == side:
        return latents, pictures
    factor = pictures.shape[-1] // side
    return _resized(latents, wanted), _resized(pictures, factor * wanted)


def _resized(pictures: torch.Tensor, side: int) -> torch.Tensor:
    return F.interpolate(pictures, (side, side), mode="bicubic", antialias=True, align_corners=False)
