"""LoRAs of random numbers for a model's every layer, in memory."""

from collections.abc import Iterable
from typing import Any

import torch

from impasto.adapters.lora.files import Lora, hash_layers
from impasto.adapters.lora.low_rank import Layers, LowRank


def layers_of(model: torch.nn.Module) -> list[str]:
    """The names of every linear layer and convolution."""
    return [name for name, m in model.named_modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]


def draw_layers(
    model: torch.nn.Module, names: Iterable[str] | None = None, rank: int = 2, alpha: float | None = None, seed: int = 0
) -> Layers:
    """Small random changes for the layers `names` (all, if not given), with matrices that are no one's transpose."""
    generator = torch.Generator().manual_seed(seed)
    layers: Layers = {}
    for name in layers_of(model) if names is None else names:
        weight: Any = model.get_submodule(name).weight
        kernel = [1] * (weight.ndim - 2)
        down = 0.1 * torch.randn(rank, *weight.shape[1:], generator=generator)
        up = 0.1 * torch.randn(weight.shape[0], rank, *kernel, generator=generator)
        layers[name] = LowRank(down, up, float(rank if alpha is None else alpha))
    return layers


def make_lora(unet: Layers, text_encoder: Layers | None = None, name: str = "monet", **known: str) -> Lora:
    text_encoder = text_encoder or {}
    return Lora(name, unet, text_encoder, hash_layers(unet, text_encoder), **known)


def same_layers(one: Layers, other: Layers) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[n].down, other[n].down)
        and torch.equal(one[n].up, other[n].up)
        and one[n].alpha == other[n].alpha
        for n in one
    )
