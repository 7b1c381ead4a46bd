"""Counts the work of painting and of converting, to decide whether converting pays. Nothing is measured or run."""

from typing import Any

from torch import nn

# Measured with pocket on two cores: converting its U-Net and decoder takes 7 s, in which `eager` does 7e11 operations, and
# OpenVINO saves 0.35 to 0.5 of its time. So pocket is converted after some 25 pictures, Stable Diffusion v1 with the first.
_CONVERSION, _PER_WEIGHT = 6e11, 2e3
_SAVED = 0.4


def evaluation_work(unet: Any, height: int, width: int) -> float:
    """Returns about how many operations one evaluation of a latent [1, C, height, width] takes.

    Two for each weight at each position of the block's map; attention between positions is left out.
    """
    positions, work = float(height * width), 0.0
    for block in unet.down_blocks:
        work += 2 * _weights(block) * positions
        positions /= 4 if getattr(block, "downsamplers", None) else 1
    work += 2 * _weights(unet.mid_block) * positions
    for block in unet.up_blocks:
        work += 2 * _weights(block) * positions
        positions *= 4 if getattr(block, "upsamplers", None) else 1
    return work


def conversion_work(unet: Any, vae: Any) -> float:
    """Returns how many operations by `eager` cost more than converting both models and running them by OpenVINO."""
    return (_CONVERSION + _PER_WEIGHT * (_weights(unet) + _weights(vae))) / _SAVED


def _weights(part: nn.Module | None) -> int:
    return 0 if part is None else sum(tensor.numel() for tensor in part.parameters())
