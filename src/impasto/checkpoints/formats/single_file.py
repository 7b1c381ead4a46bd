"""Converts a single-file Stable Diffusion v1 checkpoint (Rombach et al. 2022's own key layout) to diffusers' parts.

The configs are bundled; widths and depths follow from the shapes in the file. diffusers' conversion functions
rename the keys, so that the mapping is not written a second time here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.checkpoints.size import paints
from impasto.checkpoints.source import CONFIGS
from impasto.errors import ImpastoError
from impasto.weights.header import read_json

Shapes = Mapping[str, tuple[int, ...]]
UNET = "model.diffusion_model."
VAE = "first_stage_model."
CLIP = "cond_stage_model.transformer."
CLIP_HEAD_WIDTH = 64  # of ViT-L/14: 768 / 12; the number of heads does not follow from the shapes


def check_layout(shapes: Shapes, file: Path) -> None:
    """Raises ImpastoError unless the file is a complete Stable Diffusion v1 checkpoint; the message says what it is."""

    def any_starts(*prefixes: str) -> bool:
        return any(name.startswith(prefixes) for name in shapes)

    convert = "convert it to a diffusers folder and give that"
    if any_starts("conditioner.embedders."):
        raise ImpastoError(f"{file} is Stable Diffusion XL, which is not supported: use a v1 checkpoint")
    if any_starts("cond_stage_model.model."):
        raise ImpastoError(f"{file} is in the Stable Diffusion v2 layout: {convert}")
    if any_starts("lora_", "lora.") or any(".lora_" in name for name in shapes):
        raise ImpastoError(
            f"{file} holds a LoRA, not a whole checkpoint: give the checkpoint it was trained on"
        )
    if any_starts("down_blocks.", "encoder.down_blocks."):
        raise ImpastoError(
            f"{file} is one part of a diffusers folder: give the folder that model_index.json is in"
        )
    for prefix, part in ((UNET, "U-Net"), (VAE, "VAE"), (CLIP, "CLIP text encoder")):
        if not any_starts(prefix):
            raise ImpastoError(
                f"{file} holds no {part} in the Stable Diffusion v1 layout ({prefix}*): {convert}"
            )


def infer_configs(shapes: Shapes, file: Path) -> dict[str, dict[str, Any]]:
    """Returns the configs of `unet`, `vae` and `text_encoder`: the bundled ones, with values from the shapes filled in.

    Raises:
        ImpastoError: keys that every Stable Diffusion v1 checkpoint has are missing.
    """
    check_layout(shapes, file)
    try:
        configs = {
            "unet": _unet_config(_below(shapes, UNET)),
            "vae": _vae_config(_below(shapes, VAE)),
            "text_encoder": _clip_config(_below(shapes, CLIP)),
        }
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise ImpastoError(f"{file} is no whole Stable Diffusion v1 checkpoint: {error} is missing") from None
    channels = configs["unet"]["in_channels"]
    if not paints(channels, configs["vae"]["latent_channels"]):
        raise ImpastoError(
            f"{file}: its U-Net takes {channels} channels, which is another kind of checkpoint: use one for text-to-image, "
            "inpainting or instructions"
        )
    return configs


def _below(shapes: Shapes, prefix: str) -> dict[str, tuple[int, ...]]:
    return {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}


def _count(shapes: Shapes, pattern: str) -> int:
    """Returns how many different numbers `pattern`'s group matches. They must be 0, 1, 2, ... without gaps."""
    found = {int(match[1]) for name in shapes if (match := re.match(pattern, name))}
    if found != set(range(len(found))) or not found:
        raise ValueError(f"a number in {pattern}")
    return len(found)


def _unet_config(shapes: Shapes) -> dict[str, Any]:
    blocks = _count(shapes, r"input_blocks\.(\d+)\.")
    halvings = [n for n in range(1, blocks) if f"input_blocks.{n}.0.op.weight" in shapes]
    levels = len(halvings) + 1
    layers = (halvings[0] if halvings else blocks) - 1
    firsts = [1 + level * (layers + 1) for level in range(levels)]
    crossed = [f"input_blocks.{n}.1.transformer_blocks.0.attn2.to_k.weight" in shapes for n in firsts]
    return {
        **read_json(CONFIGS / "unet" / "config.json"),
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": [shapes[f"input_blocks.{n}.0.out_layers.3.weight"][0] for n in firsts],
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if cross else "DownBlock2D" for cross in crossed],
        "up_block_types": ["CrossAttnUpBlock2D" if cross else "UpBlock2D" for cross in reversed(crossed)],
        "cross_attention_dim": shapes["middle_block.1.transformer_blocks.0.attn2.to_k.weight"][1],
        "use_linear_projection": len(shapes["middle_block.1.proj_in.weight"]) == 2,
    }


def _vae_config(shapes: Shapes) -> dict[str, Any]:
    levels = _count(shapes, r"encoder\.down\.(\d+)\.")
    return {
        **read_json(CONFIGS / "vae" / "config.json"),
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["post_quant_conv.weight"][1],
        "block_out_channels": [shapes[f"encoder.down.{n}.block.0.conv1.weight"][0] for n in range(levels)],
        "layers_per_block": _count(shapes, r"encoder\.down\.0\.block\.(\d+)\."),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def _clip_config(shapes: Shapes) -> dict[str, Any]:
    shapes = _below(shapes, "text_model.") or shapes
    words, width = shapes["embeddings.token_embedding.weight"]
    return {
        **read_json(CONFIGS / "text_encoder" / "config.json"),
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "num_attention_heads": max(1, width // CLIP_HEAD_WIDTH),
        "num_hidden_layers": _count(shapes, r"encoder\.layers\.(\d+)\."),
    }


def convert_weights(
    weights: Mapping[str, Any], configs: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Returns the state dicts of `unet`, `vae` and `text_encoder` under diffusers' and transformers' names.

    If a training checkpoint also holds averaged weights (`model_ema.*`), they are ignored: published files
    paint with the plain names.
    """
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    parts = {
        prefix: {name: value for name, value in weights.items() if name.startswith(prefix)}
        for prefix in (UNET, VAE, CLIP)
    }
    clip = {name.removeprefix(CLIP).removeprefix("text_model."): value for name, value in parts[CLIP].items()}
    converted = {
        "unet": convert_ldm_unet_checkpoint(parts[UNET], configs["unet"]),
        "vae": convert_ldm_vae_checkpoint(parts[VAE], configs["vae"]),
        "text_encoder": clip,
    }
    return {
        part: {
            name: value for name, value in found.items() if value is not None and "position_ids" not in name
        }
        for part, found in converted.items()
    }
