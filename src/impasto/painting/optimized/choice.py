"""Chooses how a checkpoint's U-Net and VAE decoder run: diffusers' own modules, or versions optimized for CPU inference."""

import contextlib

import torch
from torch import nn

from impasto.painting.engines.conditioned import ControllableUNet, Decode
from impasto.painting.engines.eager import PlainUNet, plain_decoder
from impasto.painting.optimized.decoder import OptimizedDecoder
from impasto.painting.optimized.layers import NotOptimizable
from impasto.painting.optimized.unet import OptimizedUNet

# Packed convolutions hold a second copy of the weights. They are worth it up to this many parameters (fp32, 1 GB).
_LARGEST = 250_000_000


def _arrangeable(model: nn.Module) -> bool:
    weight = next(model.parameters())
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and sum(parameter.numel() for parameter in model.parameters()) <= _LARGEST
        # Optimized layers do not call the modules, so that their hooks would not run.
        and not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    )


def optimize_unet(unet: nn.Module) -> ControllableUNet:
    """Returns the fastest way to run `unet` on its device: an optimized copy on a CPU, if all its layer types are supported,
    else the model as it is.

    The model is not changed. Later changes of its weights do not reach an optimized copy: optimize it again.
    """
    if _arrangeable(unet):
        with contextlib.suppress(NotOptimizable), torch.inference_mode():
            return OptimizedUNet(unet)
    return PlainUNet(unet)


def optimize_decoder(vae: nn.Module) -> Decode:
    """Returns the fastest way to decode latents [n, C, h, w] to [n, 3, H, W]. As in `optimize_unet`, the model is not
    changed.
    """
    if _arrangeable(vae):
        with contextlib.suppress(NotOptimizable), torch.inference_mode():
            return OptimizedDecoder(vae)
    return plain_decoder(vae)
