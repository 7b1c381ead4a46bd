"""Chooses how a checkpoint's U-Net and VAE decoder run: diffusers' own modules, or versions optimized for CPU inference."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from impasto.painting.optimized.decoder import OptimizedDecoder
from impasto.painting.optimized.layers import NotOptimizable
from impasto.painting.optimized.unet import OptimizedUNet


class ConditionedUNet(Protocol):
    """A U-Net that takes its text states once, and is then evaluated in every step."""

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Returns the predictor for these text states.

        Args:
            states: [m, tokens, width], or several sets with different numbers of tokens, m in all.
            guided: if True, m is 2n, with the negative texts first, and each of the n latents is evaluated with both its
                texts.

        Returns:
            (latents [n, C, h, w], timestep) -> predictions [m, C, h, w].
        """
        ...


class PlainUNet:
    """diffusers' own U-Net, for any device and any architecture."""

    def __init__(self, unet: nn.Module) -> None:
        self._unet = unet

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        if not isinstance(states, torch.Tensor):
            return self._tell_sets(states, guided)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            both = torch.cat([latents, latents]) if guided else latents
            return self._unet(both, timestep, encoder_hidden_states=states, return_dict=False)[0]

        return predict

    def _tell_sets(
        self, sets: Sequence[torch.Tensor], guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Calls the U-Net once for each set of states, since diffusers' U-Net does not take sets of different lengths."""
        each = [self.tell(states, guided=False) for states in sets]

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            seen = [latents] * len(each) if guided else latents.split([len(states) for states in sets])
            return torch.cat([ask(part, timestep) for ask, part in zip(each, seen, strict=True)])

        return predict


# Packed convolutions hold a second copy of the weights. They are worth it up to this many parameters (fp32, 1 GB).
_LARGEST = 250_000_000


def _arrangeable(model: nn.Module) -> bool:
    weight = next(model.parameters())
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and sum(parameter.numel() for parameter in model.parameters()) <= _LARGEST
    )


def optimize_unet(unet: nn.Module) -> ConditionedUNet:
    """Returns the fastest way to run `unet` on its device: an optimized copy on a CPU, if all its layer types are supported,
    else the model as it is.

    The model is not changed. Later changes of its weights do not reach an optimized copy: optimize it again.
    """
    if _arrangeable(unet):
        with contextlib.suppress(NotOptimizable), torch.inference_mode():
            return OptimizedUNet(unet)
    return PlainUNet(unet)


def optimize_decoder(vae: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """Returns the fastest way to decode latents [n, C, h, w] to [n, 3, H, W]. As in `optimize_unet`, the model is not
    changed.
    """
    if _arrangeable(vae):
        with contextlib.suppress(NotOptimizable), torch.inference_mode():
            return OptimizedDecoder(vae)
    decode: Any = vae.decode
    return lambda latents: decode(latents, return_dict=False)[0]
