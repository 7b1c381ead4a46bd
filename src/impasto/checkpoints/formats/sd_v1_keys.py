"""Renames diffusers' weights to Stable Diffusion v1's own keys (Rombach et al. 2022, CompVis' `stable-diffusion`).

The diffusers package converts only in the other direction (see `single_file`); it ships this direction as a script that
cannot be imported.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, "torch.Tensor"]
Value = TypeVar("Value")

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
# diffusers' names before version 0.12; folders on the hub still use them.
FORMER_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def unet_keys(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Returns a U-Net's weights under the names that follow `model.diffusion_model.`.

    Raises:
        KeyError: a name that Stable Diffusion v1's U-Net does not have.
    """
    a_level = 1 + _count(weights, r"down_blocks\.0\.resnets\.(\d+)\.")  # residual blocks, then the downsampler
    attends = {match[1] for name in weights if (match := re.match(r"up_blocks\.(\d+)\.attentions\.", name))}

    def block(match: re.Match[str]) -> str:
        side, level, kind, number, rest = match.groups()
        place = int(level) * a_level + int(number)
        home = f"input_blocks.{1 + place}" if side == "down" else f"output_blocks.{place}"
        return f"{home}.0.{_resnet(rest)}" if kind == "resnets" else f"{home}.1.{rest}"

    def smaller(match: re.Match[str]) -> str:
        return f"input_blocks.{(int(match[1]) + 1) * a_level}.0.op.{match[2]}"

    def larger(match: re.Match[str]) -> str:
        last = (int(match[1]) + 1) * a_level - 1
        return f"output_blocks.{last}.{2 if match[1] in attends else 1}.conv.{match[2]}"

    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (rf"({'|'.join(map(re.escape, _UNET_TOP))})\.(\w+)", lambda m: f"{_UNET_TOP[m[1]]}.{m[2]}"),
        (r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", block),
        (r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(\w+)", smaller),
        (r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(\w+)", larger),
        (r"mid_block\.resnets\.([01])\.(.+)", lambda m: f"middle_block.{2 * int(m[1])}.{_resnet(m[2])}"),
        (r"mid_block\.attentions\.0\.(.+)", lambda m: f"middle_block.1.{m[1]}"),
    ]
    return _renamed(weights, rules)


def vae_keys(weights: Weights) -> dict[str, "torch.Tensor"]:
    """Returns a VAE's weights under the names that follow `first_stage_model.`; its attention uses 1x1 convolutions.

    Raises:
        KeyError: a name that Stable Diffusion v1's VAE does not have.
    """
    top = _count(weights, r"decoder\.up_blocks\.(\d+)\.") - 1

    def level(match: re.Match[str]) -> str:  # the decoder's levels are counted from the finest one
        return f"down.{match[2]}" if match[2] is not None else f"up.{top - int(match[3])}"

    side = r"(encoder|decoder)\.(?:down_blocks\.(\d+)|up_blocks\.(\d+))"
    rules: list[tuple[str, Callable[[re.Match[str]], str]]] = [
        (r"(quant_conv|post_quant_conv)\.(\w+)", lambda m: m[0]),
        (r"(encoder|decoder)\.(conv_in|conv_out)\.(\w+)", lambda m: m[0]),
        (r"(encoder|decoder)\.conv_norm_out\.(\w+)", lambda m: f"{m[1]}.norm_out.{m[2]}"),
        (side + r"\.resnets\.(\d+)\.(.+)", lambda m: f"{m[1]}.{level(m)}.block.{m[4]}.{_shortcut(m[5])}"),
        (side + r"\.downsamplers\.0\.(.+)", lambda m: f"{m[1]}.{level(m)}.downsample.{m[4]}"),
        (side + r"\.upsamplers\.0\.(.+)", lambda m: f"{m[1]}.{level(m)}.upsample.{m[4]}"),
        (
            r"(encoder|decoder)\.mid_block\.resnets\.([01])\.(.+)",
            lambda m: f"{m[1]}.mid.block_{int(m[2]) + 1}.{_shortcut(m[3])}",
        ),
        (
            r"(encoder|decoder)\.mid_block\.attentions\.0\.(.+)\.(\w+)",
            lambda m: f"{m[1]}.mid.attn_1.{_VAE_ATTENTION[FORMER_ATTENTION.get(m[2], m[2])]}.{m[3]}",
        ),
    ]
    renamed = _renamed(weights, rules)
    return {
        name: value[:, :, None, None] if ".attn_1." in name and value.ndim == 2 else value
        for name, value in renamed.items()
    }


def clip_keys(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Returns a CLIP text encoder's weights under the names that follow `cond_stage_model.transformer.`."""
    return {f"text_model.{name.removeprefix('text_model.')}": value for name, value in weights.items()}


def _count(weights: Mapping[str, Value], pattern: str) -> int:
    return len({match[1] for name in weights if (match := re.match(pattern, name))})


def _resnet(rest: str) -> str:
    layer, kind = rest.rsplit(".", 1)
    return f"{_RESNET[layer]}.{kind}"


def _shortcut(rest: str) -> str:
    return rest.replace("conv_shortcut", "nin_shortcut")


def _renamed(
    weights: Mapping[str, Value], rules: list[tuple[str, Callable[[re.Match[str]], str]]]
) -> dict[str, Value]:
    renamed: dict[str, Value] = {}
    for name, value in weights.items():
        found = next(((rule, match) for pattern, rule in rules if (match := re.fullmatch(pattern, name))), None)
        if found is None:
            raise KeyError(name)
        rule, match = found
        renamed[rule(match)] = value
    return renamed
