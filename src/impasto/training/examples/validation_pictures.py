"""Paints the sample pictures of a validation, with the same prompts and seeds every time, on one sheet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.utils.pil_utils import make_image_grid, numpy_to_pil
from PIL import Image
from torch import nn

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import latent_factor

STEPS, GUIDANCE = 20, 5.0
ACROSS = 4  # pictures in a row of the sheet
EncodeTexts = Callable[[list[str]], torch.Tensor]  # texts -> token states, float [n, tokens, width]


@torch.no_grad()
def paint_sheet(components: Components, encode: EncodeTexts, prompts: Sequence[str], size: int, seed: int) -> Image.Image:
    """Paints a picture of `size` px for each prompt by the current weights, `ACROSS` per row; picture n has seed `seed` + n.

    The sampler is DPM-Solver++(2M) (Lu et al. 2022) with classifier-free guidance. Each picture is painted alone, so that it
    needs little memory and does not depend on its neighbours. The VAE may be stored on another device and in another
    precision; it is moved back there afterwards. torch's own generators are not used.
    """
    latents = [_latents(components, encode(["", prompt]), size, seed + n) for n, prompt in enumerate(prompts)]
    with _awake(components.vae, components.unet.device) as vae:
        pictures = [_decoded(vae, one) for one in latents]
    blank = -len(pictures) % ACROSS if len(pictures) > ACROSS else 0
    pictures += [Image.new("RGB", pictures[0].size, "white")] * blank
    across = min(ACROSS, len(pictures))
    return make_image_grid(pictures, rows=len(pictures) // across, cols=across)


def _latents(components: Components, states: torch.Tensor, size: int, seed: int) -> torch.Tensor:
    """Returns clean latents [1, c, h, w]; `states` [2, tokens, width] are those of the empty text and of the prompt."""
    unet: Any = components.unet
    scheduler: Any = DPMSolverMultistepScheduler.from_config(
        components.scheduler_config, algorithm_type="dpmsolver++", thresholding=False
    )
    scheduler.set_timesteps(STEPS, device=unet.device)
    side = size // latent_factor(components.vae.config)
    noise = torch.randn(
        (1, int(unet.config["in_channels"]), side, side), generator=torch.Generator().manual_seed(seed)
    )
    latents = noise.to(unet.device) * scheduler.init_noise_sigma
    states = states.to(unet.device, unet.dtype)
    for time in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, time)
        empty, told = unet(seen.expand(2, -1, -1, -1).to(unet.dtype), time, states).sample.float().chunk(2)
        latents = scheduler.step(empty + GUIDANCE * (told - empty), time, latents).prev_sample
    return latents


def _decoded(vae: Any, latents: torch.Tensor) -> Image.Image:
    unscaled = latents / vae.config["scaling_factor"] + (vae.config.get("shift_factor") or 0.0)
    # Weights that are about to diverge produce NaN: show black instead of a warning.
    pixels = vae.decode(unscaled).sample.nan_to_num(-1.0) / 2 + 0.5
    return numpy_to_pil(pixels.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy())[0]


@contextmanager
def _awake(vae: Any, device: torch.device) -> Iterator[Any]:
    """Moves the VAE to a device in fp32 inside the context; afterwards restores its device and precision."""
    place, dtype = vae.device, vae.dtype
    nn.Module.to(vae, device, torch.float32)  # diffusers' own `to` would warn of every change of precision
    try:
        yield vae
    finally:
        nn.Module.to(vae, place, dtype)
