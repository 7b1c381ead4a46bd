"""Renames the U-Net modules of Stable Diffusion's original code (Rombach et al. 2022) to diffusers' names.

Some trainers write LoRAs under the original names, `input_blocks.1.1.proj_in` for `down_blocks.0.attentions.0.proj_in`. The
counterpart for whole checkpoints is `impasto.checkpoints.formats.sd_v1_keys`.
"""

import re

_A_LEVEL = 3  # two residual blocks and a change of size
_TOP = {"input_blocks.0.0": "conv_in", "out.2": "conv_out", "time_embed.0": "time_embedding.linear_1"}
_TOP |= {"time_embed.2": "time_embedding.linear_2"}
_RESNET = {
    "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_BLOCK = re.compile(r"(input|output)_blocks\.(\d+)\.(\d+)(?:\.(.+))?")
_MIDDLE = re.compile(r"middle_block\.([012])\.(.+)")


def diffusers_module(module: str) -> str:
    """Returns diffusers' name of a module of the original U-Net; any other name is returned as it is."""
    if module in _TOP:
        return _TOP[module]
    if middle := _MIDDLE.fullmatch(module):
        place, rest = int(middle[1]), middle[2]
        home = "attentions.0" if place == 1 else f"resnets.{place // 2}"
        return f"mid_block.{home}.{rest if place == 1 else _RESNET.get(rest, rest)}"
    block = _BLOCK.fullmatch(module)
    if block is None:
        return module
    side, number, place, rest = block[1], int(block[2]), int(block[3]), block[4] or ""
    level, inside = divmod(number - 1 if side == "input" else number, _A_LEVEL)
    home = f"{'down' if side == 'input' else 'up'}_blocks.{level}"
    if side == "input" and inside == _A_LEVEL - 1:
        return f"{home}.downsamplers.0.conv"
    if place == 0:
        return f"{home}.resnets.{inside}.{_RESNET.get(rest, rest)}"
    return f"{home}.upsamplers.0.conv" if rest == "conv" else f"{home}.attentions.{inside}.{rest}"
