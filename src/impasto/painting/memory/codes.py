"""Quantizes codes to int8 levels, packs them as base64, and computes the picture features and latent moments behind them.

A code is a picture's vector in a memory.
"""

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

_STEPS = 127 / 4  # int8 levels per standard deviation, as in `save_memory`


def pack(codes: torch.Tensor) -> str:
    """Returns the base64 of the int8 levels of codes of any shape."""
    levels = (codes * _STEPS).round().clamp(-127, 127).to(torch.int8)
    return base64.b64encode(levels.numpy().tobytes()).decode()


def unpack(packed: str, width: int) -> torch.Tensor | None:
    """Decodes the output of `pack` to codes, float32 [n, width]; None if it is empty or not whole rows of `width`."""
    levels = np.frombuffer(base64.b64decode(packed), np.int8)
    if not len(levels) or len(levels) % width:
        return None
    return torch.from_numpy(levels.copy()).view(-1, width).float() / _STEPS


def features_for(config: MemoryConfig) -> ImageFeatures:
    """Returns the image feature extractor that the memory was built with.

    Raises:
        ImpastoError: the memory was built with a feature extractor that this version does not know.
    """
    if config.features != ImageFeatures.name:
        raise ImpastoError(f"the checkpoint's memory sees pictures with {config.features!r}, which is not known here")
    return ImageFeatures(side=config.side)


@torch.inference_mode()
def moments_of(components: "Components", images: list[Image.Image]) -> torch.Tensor:
    """Returns the mean and standard deviation of each latent channel of the pictures' centre squares: float32
    [n, 2 * channels].
    """
    vae, side = components.vae, components.default_size
    squares = np.stack([np.asarray(fit_square(image, side), np.uint8) for image in images])
    x = torch.from_numpy(squares).permute(0, 3, 1, 2).to(vae.device, vae.dtype) / 127.5 - 1
    found = [vae.encode(one[None]).latent_dist.mean.float() for one in x]  # pyright: ignore[reportAttributeAccessIssue]
    return latent_moments(torch.cat(found) * float(vae.config["scaling_factor"])).cpu()


def encoder_key(components: "Components") -> str:
    """Returns a hash of all that determines the moments: the VAE's encoder and the size of its input."""
    digest = hashlib.sha256(f"{components.default_size}/{components.vae.config['scaling_factor']}".encode())
    vae = components.vae
    for part in (vae.encoder, vae.quant_conv):
        for name, value in part.state_dict().items() if part is not None else ():
            digest.update(name.encode())
            digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
