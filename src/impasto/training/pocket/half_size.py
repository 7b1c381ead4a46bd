"""Converts an autoencoder with f = 16, made by `double_autoencoder`, back to one with f = 8: the same latents.

A denoiser trains at half the size, where encoding is four times as fast and no small picture is enlarged.
"""

from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.nn import functional as F

from impasto.checkpoints.size import latent_factor
from impasto.errors import UsageError
from impasto.training.methods.autoencoder import Squares, decode, posterior_of, to_tensor
from impasto.training.pocket.double_size import fit_convolution, halved, with_levels

_FITTED = 32  # pictures that the kernels are fitted to


def is_doubled(autoencoder: AutoencoderKL) -> bool:
    """Returns whether the levels are those that `double_autoencoder` makes: its finest one is as wide as the next."""
    widths: tuple[int, ...] = tuple(autoencoder.config["block_out_channels"])
    return len(widths) > 2 and widths[0] == widths[1]


def at_factor(autoencoder: AutoencoderKL, factor: int, pixels: Squares) -> AutoencoderKL:
    """Returns the autoencoder itself, or its half if it was made by doubling one of this factor.

    Args:
        pixels: squares of the smaller size; some are enlarged to fit the half to.
    """
    if latent_factor(autoencoder.config) != 2 * factor or not is_doubled(autoencoder):
        return autoencoder
    picked = np.linspace(0, len(pixels) - 1, min(_FITTED, len(pixels))).astype(np.int64)
    small = to_tensor(torch.as_tensor(pixels.batch(picked)).cpu().numpy())
    large = F.interpolate(small, scale_factor=2, mode="bicubic").clamp(-1, 1)
    return half_autoencoder(autoencoder, large.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy())


@torch.no_grad()
def half_autoencoder(large: AutoencoderKL, squares: np.ndarray) -> AutoencoderKL:
    """Makes the autoencoder for pictures of half the size: the first and last convolutions are fitted, all else is a copy.

    Its latents of a halved picture are those of `large` for the picture, as nearly as 3x3 kernels allow. Its decoder paints
    `large`'s pictures halved, as nearly as one convolution allows: good for previews.

    Args:
        large: an autoencoder of five levels whose two finest ones have the same width; it is not changed.
        squares: uint8 [n, s, s, 3] of the larger size, to fit to; 16 or more are enough.

    Raises:
        UsageError: its levels are not those of a doubled autoencoder.
    """
    widths: tuple[int, ...] = tuple(large.config["block_out_channels"])
    if not is_doubled(large):
        levels = ", ".join(map(str, widths))
        raise UsageError(f"an autoencoder with levels of {levels} channels was not made by doubling one")
    small = with_levels(
        large,
        block_out_channels=widths[1:],
        down_block_types=tuple(large.config["down_block_types"])[1:],
        up_block_types=tuple(large.config["up_block_types"])[:-1],
        sample_size=large.config["sample_size"] // 2,
    )
    pictures = to_tensor(squares)
    _copy_encoder(small.encoder, large.encoder, pictures)
    _copy_decoder(small, large, pictures)
    return small


def _copy_encoder(small: Any, large: Any, pictures: torch.Tensor) -> None:
    for mine, theirs in zip(small.down_blocks, large.down_blocks[1:], strict=True):
        mine.load_state_dict(theirs.state_dict())
    for name in ("mid_block", "conv_norm_out", "conv_out"):
        getattr(small, name).load_state_dict(getattr(large, name).state_dict())
    first = large.down_blocks[0]
    fit_convolution(small.conv_in, ((halved(one), first(large.conv_in(one))) for one in pictures.split(1)))


def _copy_decoder(small: AutoencoderKL, large: AutoencoderKL, pictures: torch.Tensor) -> None:
    mine: Any = small.decoder
    theirs: Any = large.decoder
    for name in ("conv_in", "mid_block", "conv_norm_out"):
        getattr(mine, name).load_state_dict(getattr(theirs, name).state_dict())
    for ours, block in zip(mine.up_blocks, theirs.up_blocks[:-1], strict=True):
        ours.load_state_dict(block.state_dict(), strict=ours.upsamplers is not None)
    kept: list[torch.Tensor] = []
    hook = mine.conv_out.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    latents = [posterior_of(large, one).mean for one in pictures[:32].split(1)]
    fit_convolution(mine.conv_out, ((_features(small, one, kept), halved(decode(large, one))) for one in latents))
    hook.remove()


def _features(small: AutoencoderKL, latents: torch.Tensor, kept: list[torch.Tensor]) -> torch.Tensor:
    decode(small, latents)
    return kept.pop()
