"""A tiny random Stable Diffusion v1, written in both layouts: a diffusers folder, and one file of LDM's keys.

The renaming here is written from LDM's names, apart from diffusers' own conversion that we test.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch

LAYERS = 1  # residual blocks a level
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def make_tiny_parts(seed: int = 0) -> dict[str, Any]:
    """UNet, VAE and CLIPTextModel with Stable Diffusion v1's structure and a hundredth of its width."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            sample_size=64,
            block_out_channels=(32, 64, 64),
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=LAYERS,
            cross_attention_dim=64,
            attention_head_dim=8,
        )
        vae = AutoencoderKL(
            block_out_channels=(32, 32, 64, 64),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=LAYERS,
            latent_channels=4,
            sample_size=512,
        )
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=514,
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=1,
                hidden_act="quick_gelu",
                bos_token_id=0,
                eos_token_id=2,
            )
        )
    return {"unet": unet.eval(), "vae": vae.eval(), "text_encoder": text_encoder.eval()}


def to_ldm(parts: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The state dict of all parts under the names of CompVis' `stable-diffusion` repository."""
    weights = {f"model.diffusion_model.{_unet_name(k)}": v for k, v in parts["unet"].state_dict().items()}
    levels = len(parts["vae"].config.block_out_channels)
    for name, value in parts["vae"].state_dict().items():
        renamed = _vae_name(name, levels)
        # LDM's VAE attends through 1x1 convolutions.
        flat = ".attn_1." in renamed and value.ndim == 2
        weights[f"first_stage_model.{renamed}"] = value[:, :, None, None] if flat else value
    for name, value in parts["text_encoder"].state_dict().items():
        weights[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = value
    # What the published files also hold and nobody paints with.
    weights["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    weights["alphas_cumprod"] = torch.linspace(1, 0, 1000)
    return {name: value.detach().clone().contiguous() for name, value in weights.items()}


def _unet_name(name: str) -> str:
    for ours, theirs in UNET_TOP.items():
        if name.startswith(ours + "."):
            return name.replace(ours, theirs, 1)
    if match := re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        side, level, kind, number, rest = match.groups()
        place = int(level) * (LAYERS + 1) + int(number)
        home = f"input_blocks.{1 + place}" if side == "down" else f"output_blocks.{place}"
        return f"{home}.0.{_resnet(rest)}" if kind == "resnets" else f"{home}.1.{rest}"
    if match := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{(int(match[1]) + 1) * (LAYERS + 1)}.0.op.{match[2]}"
    if match := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.*)", name):
        level = int(match[1])
        after_attention = 1 if level == 0 else 2  # the deepest level does not attend
        return f"output_blocks.{level * (LAYERS + 1) + LAYERS}.{after_attention}.conv.{match[2]}"
    if match := re.match(r"mid_block\.resnets\.(\d)\.(.*)", name):
        return f"middle_block.{2 * int(match[1])}.{_resnet(match[2])}"
    return re.sub(r"^mid_block\.attentions\.0\.", "middle_block.1.", name)


def _resnet(rest: str) -> str:
    head, tail = rest.rsplit(".", 1)
    return f"{RESNET[head]}.{tail}"


def _vae_name(name: str, levels: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", name
    )  # LDM counts the levels of the decoder from the top
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if ".mid_block.attentions.0." in name:
        head, rest = name.split(".mid_block.attentions.0.")
        part, tail = rest.rsplit(".", 1)
        return f"{head}.mid.attn_1.{VAE_ATTENTION[part]}.{tail}"
    return name


def write_tokenizer(folder: Path) -> None:
    """CLIP's tokenizer with the 256 bytes for a vocabulary and no merges."""
    folder.mkdir(parents=True, exist_ok=True)
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in visible] + [chr(256 + n) for n in range(256 - len(visible))]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    config = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")


def write_diffusers_folder(parts: dict[str, Any], folder: Path) -> Path:
    """The parts as `StableDiffusionPipeline.save_pretrained` lays them out."""
    from impasto.checkpoints.source import CONFIGS

    for part, module in parts.items():
        module.save_pretrained(folder / part, safe_serialization=True)
    write_tokenizer(folder / "tokenizer")
    (folder / "scheduler").mkdir()
    schedule = (CONFIGS / "scheduler" / "scheduler_config.json").read_text("utf-8")
    (folder / "scheduler" / "scheduler_config.json").write_text(schedule, "utf-8")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    return folder
