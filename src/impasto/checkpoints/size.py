"""Computes the size of the pictures that a checkpoint was trained on, from its configs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError

LATENT_SIDE = 64  # the default if a config leaves it out, as in Stable Diffusion v1
SMALL = 256  # side in pixels


def picture_size(unet_config: Mapping[str, Any], vae_config: Mapping[str, Any], where: Path) -> int:
    """Returns the side in pixels: the U-Net's latent side times 2 for every halving in the autoencoder.

    Raises:
        ImpastoError: a config holds no valid numbers for it; the message names `where`.
    """
    side = unet_config.get("sample_size") or LATENT_SIDE
    widths = vae_config.get("block_out_channels") or (64,)
    try:
        latent = max(side) if isinstance(side, (list, tuple)) else side
        return int(latent) * 2 ** (len(widths) - 1)
    except (TypeError, ValueError):
        raise ImpastoError(
            f"{where}: sample_size or block_out_channels in its configs is no number"
        ) from None


def latent_factor(vae_config: Mapping[str, Any]) -> int:
    """Returns the width in pixels that one latent covers: a factor of 2 for every halving in the autoencoder; 8 in Stable
    Diffusion.
    """
    return 2 ** (len(vae_config["block_out_channels"]) - 1)


def inpainting_channels(latent_channels: int) -> int:
    """Returns the input channels of a U-Net trained for inpainting: the latents, a mask, the masked picture's latents."""
    return 2 * latent_channels + 1


def instruct_channels(latent_channels: int) -> int:
    """Returns the input channels of a U-Net that follows instructions: the latents, and those of the picture to change."""
    return 2 * latent_channels


def paints(in_channels: int, latent_channels: int) -> bool:
    """Returns whether a U-Net with these input channels paints here: from text alone, by inpainting, or by instructions."""
    return in_channels == latent_channels or bool(only_edits(in_channels, latent_channels))


def only_edits(in_channels: int, latent_channels: int) -> str:
    """Returns what a U-Net with these input channels does instead of painting from text, and by which command, or ""."""
    if in_channels == inpainting_channels(latent_channels):
        return "only inpaints: use impasto inpaint --method model"
    if in_channels == instruct_channels(latent_channels):
        return 'only follows instructions: use impasto instruct PICTURE "make it winter"'
    return ""


def is_small(side: int | None) -> bool:
    """Returns whether a checkpoint that paints `side` px is of pocket's size rather than Stable Diffusion's."""
    return side is not None and side <= SMALL
