"""Codes as a memory and a record keep them: int8 levels, and as base64 of those; and codes of pictures."""

import base64
import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.memory import MemoryConfig, latent_moments
from impasto.data.catalogue.pictures import fit_square
from impasto.errors import ImpastoError
from impasto.vision.features.efficientnet import ImageFeatures

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

_STEPS = 127 / 4  # int8 levels a deviation, as `save_memory` has them


def to_grid(codes: torch.Tensor) -> torch.Tensor:
    """Codes brought to the values that int8 levels have, so that what is kept is what was painted with."""
    return (codes * _STEPS).round().clamp(-127, 127) / _STEPS


def pack(codes: torch.Tensor) -> str:
    """Base64 of the int8 levels of codes of any shape."""
    levels = (codes * _STEPS).round().clamp(-127, 127).to(torch.int8)
    return base64.b64encode(levels.numpy().tobytes()).decode()


def unpack(packed: str, width: int) -> torch.Tensor | None:
    """Codes float32 [n, width] of what `pack` gave; None where it is not whole rows of `width`, or empty."""
    levels = np.frombuffer(base64.b64decode(packed), np.int8)
    if not len(levels) or len(levels) % width:
        return None
    return torch.from_numpy(levels.copy()).view(-1, width).float() / _STEPS


def features_for(config: MemoryConfig) -> ImageFeatures:
    """What sees pictures as the memory's were seen.

    Raises:
        ImpastoError: they were seen with something that is not known here.
    """
    if config.features != ImageFeatures.name:
        raise ImpastoError(f"the checkpoint's memory sees pictures with {config.features!r}, which is not known here")
    return ImageFeatures(side=config.side)


@torch.inference_mode()
def moments_of(components: "Components", images: list[Image.Image]) -> torch.Tensor:
    """Mean and deviation of each channel of the latents of pictures' centre squares: float32 [n, 2 * channels]."""
    vae, side = components.vae, components.default_size
    squares = np.stack([np.asarray(fit_square(image, side), np.uint8) for image in images])
    x = torch.from_numpy(squares).permute(0, 3, 1, 2).to(vae.device, vae.dtype) / 127.5 - 1
    found = [vae.encode(one[None]).latent_dist.mean.float() for one in x]  # pyright: ignore[reportAttributeAccessIssue]
    return latent_moments(torch.cat(found) * float(vae.config["scaling_factor"])).cpu()


def encoder_key(components: "Components") -> str:
    """A hash of what makes the moments: the VAE's encoder and the size that it is shown."""
    digest = hashlib.sha256(f"{components.default_size}/{components.vae.config['scaling_factor']}".encode())
    vae = components.vae
    for part in (vae.encoder, vae.quant_conv):
        for name, value in part.state_dict().items() if part is not None else ():
            digest.update(name.encode())
            digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
