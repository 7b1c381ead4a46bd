"""Carries the weights of a denoiser over to the latents of another autoencoder.

The latents of two autoencoders of the same factor show the same layout in other axes. The least-squares maps between them
are folded into the U-Net's first and last convolution, so that what it knows of layout and texts need not be learned again.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError
from impasto.training.methods.autoencoder import Squares, posterior_of, to_tensor
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.half_size import at_factor
from impasto.training.pocket.layout import BEGIN
from impasto.training.pocket.pack.result import states_to_tensors, write_weights

_COMPARED = 256  # pictures whose latents are compared


def carry_over(
    checkpoint: str, autoencoder: AutoencoderKL, pixels: Squares, choices: PocketChoices, run: Path
) -> dict[str, list[float]]:
    """Writes the initial weights of `run` for the latents of `autoencoder`; returns the maps' fits, nothing if it has begun.

    The memory encoder begins untrained. The shape of the U-Net is that of the checkpoint.

    Args:
        checkpoint: a checkpoint by name or folder, made by `train pocket` or `train pocket-denoiser`.
        autoencoder: normalised to unit variance, in fp32 on the CPU.
        pixels: squares, uint8 [n, side, side, 3].

    Returns:
        "kept": the share of the variance of each new channel that the checkpoint's latents predict linearly, and "known":
        that of each of its channels that the new ones predict.

    Raises:
        ImpastoError: the autoencoders have different factors, or the checkpoint another kind of U-Net.
        UsageError: there is no such checkpoint.
    """
    if (run / BEGIN).is_dir() or any(run.glob("state-*.pt")):
        return {}
    parts = load_components(checkpoint, device=torch.device("cpu"), dtype=torch.float32)
    vae = at_factor(parts.vae, latent_factor(autoencoder.config), pixels)
    if latent_factor(vae.config) != latent_factor(autoencoder.config):
        raise ImpastoError(f"--from {checkpoint}: its autoencoder has another factor than the one given")
    picked = np.linspace(0, len(pixels) - 1, min(_COMPARED, len(pixels))).astype(np.int64)
    squares = torch.as_tensor(pixels.batch(picked)).cpu().numpy()
    scale: float = vae.config["scaling_factor"]
    old, new = _rows(vae, squares) * scale, _rows(autoencoder, squares)
    to_old, to_new = torch.linalg.lstsq(new, old).solution, torch.linalg.lstsq(old, new).solution
    state = {name: value.clone() for name, value in parts.unet.state_dict().items()}
    state["conv_in.weight"] = torch.einsum("oihw,ni->onhw", state["conv_in.weight"], to_old.float())
    state["conv_out.weight"] = torch.einsum("oihw,on->nihw", state["conv_out.weight"], to_new.float())
    state["conv_out.bias"] = state["conv_out.bias"] @ to_new.float()
    told = {
        "choices": asdict(replace(choices, unet=replace(choices.unet, block_out_channels=shape_of(parts.unet)))),
        "autoencoder": {name: value for name, value in autoencoder.config.items() if not name.startswith("_")},
        "step": 0,
    }
    tensors = states_to_tensors({"unet": state}, {"unet": state})
    write_weights(run / BEGIN, {name: value for name, value in tensors.items() if name.startswith("averaged/")}, told)
    return {"kept": _explained(new, old @ to_new), "known": _explained(old, new @ to_old)}


def shape_of(unet: UNet2DConditionModel) -> tuple[int, ...]:
    """Returns the widths of the U-Net's levels."""
    widths: Sequence[int] = unet.config["block_out_channels"]
    return tuple(widths)


@torch.inference_mode()
def _rows(autoencoder: AutoencoderKL, squares: np.ndarray) -> torch.Tensor:
    """Returns the latents' means, float64 [n * h * w, channels]."""
    means = [posterior_of(autoencoder, to_tensor(squares[n : n + 64])).mean for n in range(0, len(squares), 64)]
    return torch.cat(means).permute(0, 2, 3, 1).flatten(0, 2).double()


def _explained(wanted: torch.Tensor, found: torch.Tensor) -> list[float]:
    left = (wanted - found).var(dim=0) / wanted.var(dim=0)
    return [round(float(value), 3) for value in 1 - left]
