"""What is in the masked part before it is painted: the original, the blurred surroundings, or noise in their colours."""

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from impasto.painting.editing.record import Fill


def filled(image: Image.Image, mask: np.ndarray, fill: Fill, seed: int) -> Image.Image:
    """Returns the picture with the masked part filled; `latent-noise` fills the latents instead, so it changes nothing here.

    Args:
        image: RGB.
        mask: [height, width]; what is above 0 is filled.
        seed: of the noise.
    """
    inside = mask > 0
    if fill in ("original", "latent-noise") or not inside.any():
        return image
    pixels = np.asarray(image)
    if inside.all():  # no surroundings
        around = np.broadcast_to(pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64), pixels.shape)
    else:
        around = surroundings(pixels, inside)
    new = around
    if fill == "noise":
        outside = pixels[~inside] if not inside.all() else pixels.reshape(-1, 3)
        noise = np.random.default_rng(seed).standard_normal(pixels.shape)
        new = around + noise * outside.std(axis=0, dtype=np.float64)
    levels = np.clip(np.rint(new), 0, 255).astype(np.uint8)
    return Image.fromarray(np.where(inside[..., None], levels, pixels))


def surroundings(pixels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Returns colours [height, width, 3] for the masked part, from the pixels around it, by pull and push (Gortler et al.
    1996): the known pixels are averaged in ever coarser grids, and each hole takes the finest average that covers it.
    """
    known = torch.from_numpy(~inside).float()[None, None]
    colours = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    return _pulled(colours * known, known)[0].permute(1, 2, 0).numpy()


def _pulled(sums: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted colours [1, 3, h, w] and weights 0 .. 1 [1, 1, h, w] -> colours everywhere."""
    own = sums / weights.clamp(min=1e-6)
    if min(weights.shape[2:]) < 2 or bool((weights > 0).all()):
        # The coarsest grid: what is still empty gets the mean of all.
        mean = sums.sum((2, 3), keepdim=True) / weights.sum().clamp(min=1e-6)
        return torch.where(weights > 0, own, mean)
    kernel = {"kernel_size": 2, "ceil_mode": True, "count_include_pad": False}
    coarse = _pulled(F.avg_pool2d(sums, **kernel), F.avg_pool2d(weights, **kernel))
    height, width = weights.shape[2:]
    above = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :height, :width]
    return weights * own + (1 - weights) * above


def latent_noise(clean: torch.Tensor, mask: torch.Tensor, seed: int) -> torch.Tensor:
    """Returns clean latents [1, C, h, w] whose masked part [1, 1, h, w] is unit noise of a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    return torch.where(mask > 0, noise, clean)
