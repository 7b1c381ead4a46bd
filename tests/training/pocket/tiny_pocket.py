"""A pocket small enough to train in a second: 8x8 latents, four pictures, texts and works that tell them apart."""

from dataclasses import replace

import torch

from impasto.checkpoints.memory import MemoryConfig, MemoryEncoder, latent_moments, nearest_codes
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import DenoiserChoices, make_unet
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.data import PocketData
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.task import PocketTask

CHOICES = PocketChoices(
    unet=DenoiserChoices(block_out_channels=(32, 32), head_width=16, text_width=8, pooling_heads=2),
    memory=MemoryConfig(components=4, latent_channels=4, hidden=16, width=8),
    batch=8, learning_rate=3e-3, long_share=0.0, log_every=1, neighbours=3,
)  # fmt: skip
CPU = Machine(torch.device("cpu"), False, False, "test")


def tiny_data(*, aligned: bool = False) -> tuple[PocketData, MemoryEncoder]:
    torch.manual_seed(0)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).view(4, 1, 1, 1)
    latents = signs.expand(4, 4, 8, 8) + 0.1 * torch.randn(4, 4, 8, 8)
    features = torch.randn(4, 12) + 3 * signs.view(4, 1)
    encoder = MemoryEncoder(CHOICES.memory, 12)
    moments = latent_moments(latents)
    encoder.fit(features, moments)
    codes = encoder.codes(features, moments)
    neighbours = torch.from_numpy(nearest_codes(codes, 3))
    return PocketData(
        latents=torch.stack([latents, latents.flip(3)]).half(),
        latent_scale=torch.ones(4),
        deviation=torch.full((4,), 0.01),
        codes=codes,
        by_features=neighbours,
        by_text=neighbours,
        states=torch.randn(3, 5, 8).half(),
        variants=torch.tensor([[0, 0], [1, 1], [0, 0], [1, 1]]),
        empty=2,
        features=(torch.randn(4, 6, 4, 4).half(), torch.randn(4, 6, 4, 4).half()) if aligned else (),
        held_out=latents[:2] + 0.2,
    ), encoder


def tiny_task(*, aligned: bool = False, machine: Machine = CPU, **changed: object) -> PocketTask:
    data, encoder = tiny_data(aligned=aligned)
    choices = replace(CHOICES, **changed)  # type: ignore[arg-type]
    torch.manual_seed(1)
    unet = make_unet(choices.unet, 4, 8)
    return PocketTask(unet, encoder, TextWhitening(torch.randn(200, 8)), data, choices, machine, seed=0)
