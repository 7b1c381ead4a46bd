"""Reconstructs the background of an inpainted picture (Avrahami et al. 2022, section 4.2; the survey's methods A and B).

The autoencoder does not give back exactly what it was given, so that also the part outside the mask changes. Method A
searches latents z, method B weights theta of the decoder D, so that the decoded picture is the edit x^ inside the mask m and
the input x outside:

    z* = argmin_z         |D(z) m, x^ m|           + lambda |D(z) (1 - m), x (1 - m)|
    theta* = argmin_theta |D_theta(z_0) m, x^ m|   + lambda |D_theta(z_0) (1 - m), x (1 - m)|

with the mean squared error for | |, as in the authors' program (75 steps of Adam, lambda 100; rates 0.1 and 1e-4).
"""

import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import torch

from impasto.painting.editing.record import BackgroundNote

# The authors' rates, for Stable Diffusion's decoder. With pocket's, 1e-3 was better inside and outside the mask. For latents
# `python benchmarks/background.py` prints, from 34.2 dB outside before: 49.8 dB outside and 29.5 inside at 0.1, 49.5 and
# 29.6 at 0.02, 47.5 and 29.9 at 0.005. An earlier decoder of pocket's lost the edit at 0.1.
_RATES = {"latents": 0.1, "decoder": 1e-4}
_SMALL_RATES = {"latents": 0.02, "decoder": 1e-3}
_SMALL = 20_000_000  # parameters


@dataclass(frozen=True)
class Reconstruction:
    """A decoded picture after the background's reconstruction.

    Attributes:
        pixels: [1, 3, H, W] in about -1 .. 1.
        outside, inside: PSNR in dB against the input outside and against the edit inside the mask; `before`, outside only.
    """

    pixels: torch.Tensor
    before: float
    outside: float
    inside: float
    seconds: float

    def tell(self, method: str, steps: int) -> str:
        """The figures in one line."""
        return (
            f"background by {method}, {steps} steps in {self.seconds:.1f} s: {self.before:.1f} -> {self.outside:.1f} dB "
            f"outside the mask, {self.inside:.1f} dB from the edit inside"
        )


def reconstruct(
    vae: Any, latents: torch.Tensor, edited: torch.Tensor, picture: torch.Tensor, mask: torch.Tensor, how: BackgroundNote
) -> Reconstruction:
    """Optimizes latents or decoder weights for one picture. The checkpoint's own weights are not changed.

    Args:
        vae: the checkpoint's autoencoder.
        latents: z_0, [1, C, h, w], as the decoder takes them.
        edited: x^, the edit as it was decoded from them, [1, 3, H, W].
        picture: x, the input, of the same shape.
        mask: m, [1, 1, H, W], 1 inside.
        how: method `latents` or `decoder`, steps, lambda and rate.
    """
    started = time.monotonic()
    with torch.inference_mode(False), torch.enable_grad():
        # Tensors of inference mode cannot take part in gradients: these are copies.
        z, target, x, m = (one.detach().float().to(latents.device).clone() for one in (latents, edited, picture, mask))
        decoder = copy.deepcopy(vae).float().requires_grad_(False)
        decoder.encoder = None  # not needed, and half of the memory
        if how.method == "latents":
            trained = [z.requires_grad_()]
        else:
            trained = [*decoder.decoder.parameters()]
            if decoder.post_quant_conv is not None:
                trained += decoder.post_quant_conv.parameters()
            for weight in trained:
                weight.requires_grad_()
        small = sum(weight.numel() for weight in decoder.decoder.parameters()) < _SMALL
        rate = how.rate or (_SMALL_RATES if small else _RATES)[how.method]
        optimizer = torch.optim.Adam(trained, lr=rate)
        for _ in range(how.steps):
            loss = masked_loss(decoder.decode(z, return_dict=False)[0], target, x, m, how.weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            pixels = decoder.decode(z, return_dict=False)[0].detach()
    seconds = time.monotonic() - started
    return Reconstruction(
        pixels, psnr(target, x, 1 - m), psnr(pixels, x, 1 - m), psnr(pixels, target, m), seconds
    )  # fmt: skip


def masked_loss(
    decoded: torch.Tensor, edited: torch.Tensor, picture: torch.Tensor, mask: torch.Tensor, weight: float
) -> torch.Tensor:
    """Returns |D m, x^ m| + lambda |D (1 - m), x (1 - m)| (the survey's methods A and B), both as means over all pixels."""
    inside = ((decoded - edited) * mask).square().mean()
    outside = ((decoded - picture) * (1 - mask)).square().mean()
    return inside + weight * outside


def psnr(a: torch.Tensor, b: torch.Tensor, where: torch.Tensor) -> float:
    """Returns the peak signal-to-noise ratio in dB of pictures in -1 .. 1, over the pixels where `where` is 1."""
    count = float(where.sum()) * a.shape[1]
    if not count:
        return math.inf
    error = float((((a.clamp(-1, 1) - b.clamp(-1, 1)) * where).square()).sum()) / count
    return math.inf if error == 0 else 10 * math.log10(4 / error)
