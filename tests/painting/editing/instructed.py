"""Tiny random checkpoints that follow instructions: Stable Diffusion's parts, whose first convolution takes 8 channels."""

from pathlib import Path
from typing import Any

import torch
from tests.checkpoints.stable_diffusion import make_tiny_parts, write_diffusers_folder


def instruct_parts() -> dict[str, Any]:
    """The parts, with a U-Net that sees a picture beside the latents."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    parts = make_tiny_parts()
    with torch.random.fork_rng():
        torch.manual_seed(8)
        config = {**parts["unet"].config, "in_channels": 8, "sample_size": 8, "_use_default_values": []}
        parts["unet"] = UNet2DConditionModel.from_config(config).eval()
    return parts


def write_instruct(folder: Path) -> Path:
    """Writes them as a folder in diffusers' layout."""
    return write_diffusers_folder(instruct_parts(), folder)
