"""Converts the weights of a ControlNet's single file, in the names of the original program or of diffusers."""

from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

from impasto.errors import ImpastoError

_ORIGINAL, _PREFIX, _DIFFUSERS = "time_embed.0.weight", "control_model.", "time_embedding.linear_1.weight"
_TEXT = ".attn2.to_k.weight"


def controlnet_states(
    weights: dict[str, torch.Tensor], config: dict[str, Any], source: Path, unet_name: str = "the checkpoint"
) -> dict[str, torch.Tensor]:
    """Returns the weights in diffusers' names.

    Args:
        weights: of the file; the names may begin with `control_model.`.
        config: of a ControlNet for the U-Net at hand.

    Raises:
        ImpastoError: the file holds no ControlNet, one in low rank or of differences, or one for another U-Net.
    """
    names = {name.removeprefix(_PREFIX): name for name in weights}
    if any(name.endswith((".up", ".down")) for name in names) and "lora_controlnet" in weights:
        raise ImpastoError(f"{source} is a Control-LoRA, which cannot be read: use the whole ControlNet")
    if any(name.startswith("difference") for name in names):
        raise ImpastoError(f"{source} holds differences to a checkpoint, not a whole ControlNet: use the whole one")
    if _ORIGINAL not in names and _DIFFUSERS not in names:
        raise ImpastoError(f"{source} holds no ControlNet")
    text = next((weights[theirs] for name, theirs in names.items() if name.endswith(_TEXT)), None)
    if text is not None and text.shape[1] != config["cross_attention_dim"]:
        theirs, ours = (f"texts {width} wide" for width in (text.shape[1], config["cross_attention_dim"]))
        raise ImpastoError(f"{source} is for a U-Net with {theirs}, but {unet_name} has {ours}: use one for it")
    plain = {name: weights[theirs] for name, theirs in names.items()}
    try:
        return convert_controlnet_checkpoint(plain, config)
    except (KeyError, AttributeError, ValueError, IndexError) as error:
        raise ImpastoError(f"{source} is no whole ControlNet: {str(error).splitlines()[0]}") from None
