"""The consistency of what a U-Net is about to paint with the map that it is shown (ControlNet++, Li et al. 2024).

The diffusion loss hardly notices edges: in a small U-Net's latents they are a small part of the variance, and most of the
rest cannot be predicted. So a small network first learns to read the map from latents, and the predicted clean latents then
have to be read as the map that was asked for. The reader is used in training only.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_WIDTH, _BLOCKS = 64, 2
_STEPS, _BATCH, _RATE = 3000, 16, 2e-3
_BLUR = 0.3  # the largest deviation of noise on the latents: predictions are no posterior samples
_RARE = 3.0  # how many times as much a stroke counts as the ground: strokes are the smaller part
Batch = Callable[[np.ndarray], tuple[torch.Tensor, torch.Tensor]]


class MapReader(nn.Module):
    """Reads strokes from latents: [n, c, h, w] -> logits [n, 1, h f, w f], where f is the autoencoder's factor."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, _WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Sequential(*_layer(), *_layer()) for _ in range(_BLOCKS))
        self.last = nn.Conv2d(_WIDTH, factor * factor, 1)
        self._factor = factor

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Returns the logits."""
        x = self.first(latents)
        for block in self.blocks:
            x = x + block(x)
        return functional.pixel_shuffle(self.last(functional.silu(x)), self._factor)


def _layer() -> tuple[nn.Module, nn.Module]:
    return nn.SiLU(), nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)


def misread(reader: MapReader, latents: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Returns how badly the maps are read from the latents: the weighted cross-entropy of each picture, float32 [n].

    Args:
        latents: clean ones, or predicted, [n, c, h, w].
        maps: [n, 3, H, W] in 0..1, white strokes.
    """
    wanted, rare = maps[:, :1], torch.tensor(_RARE, device=maps.device)
    found = functional.binary_cross_entropy_with_logits(reader(latents), wanted, pos_weight=rare, reduction="none")
    return found.mean(dim=(1, 2, 3))


def train_reader(
    batch: Batch,
    count: int,
    channels: int,
    factor: int,
    seed: int,
    on_step: Callable[[int, int], None] = lambda n, of: None,
    steps: int | None = None,
) -> MapReader:
    """Trains a reader; it is returned frozen.

    Args:
        batch: returns the latents and the maps of the pictures with these numbers.
        count: number of pictures.
        factor: pixels of a map across one latent.
        steps: how many; None for 3,000. pocket's latents of 12,167 paintings were read with an F1 of edges (held-out ones,
            tolerance 1 px) of 0.67 after 500, 0.83 after 2,000.
    """
    steps = _STEPS if steps is None else steps
    draw = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = MapReader(channels, factor)
        optimizer = torch.optim.AdamW(reader.parameters(), lr=_RATE)
        for step in range(steps):
            latents, maps = batch(draw.integers(0, count, min(_BATCH, count)))
            blurred = latents + _BLUR * torch.rand(len(latents), 1, 1, 1) * torch.randn_like(latents)
            for group in optimizer.param_groups:
                group["lr"] = _RATE * (1 - step / steps)
            optimizer.zero_grad()
            misread(reader, blurred, maps).mean().backward()
            optimizer.step()
            on_step(step + 1, steps)
    return reader.eval().requires_grad_(False)


def clean_latents(made: torch.Tensor, noised: torch.Tensor, alphas: torch.Tensor, prediction: str) -> torch.Tensor:
    """Returns the clean latents that a prediction stands for.

    Args:
        made: the U-Net's output [n, c, h, w], of the type `prediction`: epsilon, v_prediction or sample.
        noised: its input.
        alphas: alpha-bar of each one's timestep, [n].
    """
    if prediction == "sample":
        return made
    signal, noise = (value.sqrt().view(-1, 1, 1, 1) for value in (alphas, 1 - alphas))
    return signal * noised - noise * made if prediction == "v_prediction" else (noised - noise * made) / signal
