"""The autoencoder with vector quantisation, q(.) in section 2.2 of wu2022 and 3.2.1 of wang2023, on diffusers' `VQModel`.

Each latent vector is replaced by the nearest of a codebook's codes (van den Oord et al. 2017). Gradients pass straight
through, and a loss of their own draws codebook and encoder together. There is no KL loss: codes have no variance.
"""

from typing import Any, cast

import numpy as np
import torch
from diffusers.models.autoencoders.vq_model import VQModel

from impasto.training.losses.linear_path import open_linear_path
from impasto.training.methods.autoencoder import AutoencoderChoices, AutoencoderTask, latents_of, to_tensor


def make_vq_autoencoder(choices: AutoencoderChoices, size: int) -> VQModel:
    """Makes a `VQModel` that begins as a blur, for pictures of `size` px (see `make_autoencoder`)."""
    levels = len(choices.block_out_channels)
    build: Any = VQModel  # diffusers types its tuples as tuples of one
    autoencoder: VQModel = build(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=choices.block_out_channels,
        layers_per_block=1,
        latent_channels=choices.latent_channels,
        norm_num_groups=choices.norm_groups,
        num_vq_embeddings=choices.codebook,
        sample_size=size,
        scaling_factor=1.0,
        mid_block_add_attention=choices.attention,
    )
    open_linear_path(autoencoder)
    return autoencoder


@torch.no_grad()
def fill_codebook(autoencoder: VQModel, squares: np.ndarray, seed: int) -> None:
    """Sets the codes to latents of pictures uint8 [n, h, w, 3], drawn at random.

    diffusers' own small random codes lie far from all latents; most of them would never be the nearest to any.
    """
    latents = torch.cat([_rows(latents_of(autoencoder, to_tensor(squares[i : i + 32]))) for i in range(0, len(squares), 32)])
    codes = autoencoder.quantize.embedding.weight
    draw = torch.Generator().manual_seed(seed)
    picked = latents[torch.randint(len(latents), (len(codes),), generator=draw)]
    codes.copy_(picked + 0.01 * latents.std() * torch.randn(picked.shape, generator=draw))


@torch.no_grad()
def used_codes(autoencoder: VQModel, squares: np.ndarray) -> int:
    """Returns how many of the codebook's codes pictures uint8 [n, h, w, 3] use."""
    found: set[int] = set()
    for start in range(0, len(squares), 32):
        rows = _rows(latents_of(autoencoder, to_tensor(squares[start : start + 32]).to(autoencoder.device)))
        found |= set(torch.cdist(rows, autoencoder.quantize.embedding.weight).argmin(dim=1).tolist())
    return len(found)


def _rows(latents: torch.Tensor) -> torch.Tensor:
    """Converts latents [n, c, h, w] to one row each, [n * h * w, c]."""
    return latents.permute(0, 2, 3, 1).flatten(0, 2)


class VqAutoencoderTask(AutoencoderTask):
    """Trains with the losses of `AutoencoderTask`, but the codebook's in place of KL."""

    def _reconstructed(
        self, pictures: torch.Tensor, step: int
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, tuple[float, torch.Tensor]]]:
        del step
        model = cast(Any, self.autoencoder)
        # The decoder's call looks up the codes: it returns the pictures and the loss of codebook and encoder.
        made, distance = model.decode(latents_of(model, pictures).float(), return_dict=False)
        return made.float(), pictures, {"codebook": (1.0, distance.float().mean())}
