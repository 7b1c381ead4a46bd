"""Paints a sheet of sample pictures for prompts and seeds on the training machine."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image
from torch import nn

from impasto.language.minilm import TextEncoder
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.autoencoder import decode
from impasto.training.methods.denoiser import DenoiserChoices, make_sampler
from impasto.training.pocket.machine import Machine


class SheetPainter:
    """Paints with weights for whitened states, as in training; the unguided pass has the empty text and the same works."""

    def __init__(
        self,
        unet: UNet2DConditionModel,
        memory: nn.Module,
        whitening: TextWhitening,
        autoencoder: AutoencoderKL,
        encoder: TextEncoder,
        codes: torch.Tensor,
        choices: DenoiserChoices,
        machine: Machine,
    ) -> None:
        self._unet, self._memory, self._whitening, self._vae = unet.eval(), memory.eval(), whitening, autoencoder
        self._encoder, self._codes, self._choices, self._machine = encoder, codes, choices, machine

    @torch.no_grad()
    def contexts(self, prompts: Sequence[str], works: Sequence[Sequence[int]]) -> torch.Tensor:
        """Returns the cross-attention's contexts, [2, prompts, tokens, width]: for the empty text and for the prompts."""
        tokens = self._memory(self._codes[torch.tensor(works, device=self._codes.device)].float()).float()
        found = []
        for texts in ([""] * len(prompts), list(prompts)):
            states = self._whitening(self._encoder.states(texts).float().to(tokens.device))
            found.append(torch.cat([states, tokens], dim=1))
        return torch.stack(found)

    @torch.no_grad()
    def paint(self, contexts: torch.Tensor, seed: int, *, steps: int = 20, guidance: float = 3.0) -> list[Image.Image]:
        """Paints a picture for each prompt, all from the noise of one seed, by DPM-Solver++ (Lu et al. 2022)."""
        device, unet = self._machine.device, self._unet
        scheduler: Any = make_sampler(self._choices)
        scheduler.set_timesteps(steps, device=device)
        side, channels = int(unet.config["sample_size"]), int(unet.config["in_channels"])
        noise = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(seed))
        count = contexts.shape[1]
        latents = noise.to(device).expand(count, -1, -1, -1) * scheduler.init_noise_sigma
        for moment in scheduler.timesteps:
            seen = scheduler.scale_model_input(latents, moment).repeat(2, 1, 1, 1)
            with self._machine.autocast():
                made = unet(seen, moment.to(device), contexts.flatten(0, 1), return_dict=False)[0].float()
            empty, told = made.chunk(2)
            latents = scheduler.step(empty + guidance * (told - empty), moment, latents).prev_sample
        pixels = decode(self._vae, latents).float().nan_to_num(-1.0).add(1).mul(127.5).round().clamp(0, 255)
        return [Image.fromarray(square) for square in pixels.byte().permute(0, 2, 3, 1).cpu().numpy()]


def paint_sheet(
    painter: SheetPainter,
    prompts: Sequence[str],
    works: Sequence[Sequence[int]],
    seeds: int,
    seconds: float,
    *,
    steps: int = 20,
) -> tuple[Image.Image, int]:
    """Paints a sheet with a row for each prompt and a column for each seed from 1; returns it and the number of seeds.

    It paints as many seeds as fit into `seconds` (one at least).
    """
    contexts = painter.contexts(prompts, works)
    columns: list[list[Image.Image]] = []
    begun = time.monotonic()
    for seed in range(1, seeds + 1):
        columns.append(painter.paint(contexts, seed, steps=steps))
        if (time.monotonic() - begun) * (len(columns) + 1) / len(columns) > seconds:
            break
    width, height = columns[0][0].size
    sheet = Image.new("RGB", (width * len(columns), height * len(prompts)), "white")
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            sheet.paste(picture, (x * width, y * height))
    return sheet, len(columns)
