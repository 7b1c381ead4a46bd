"""Counts the work of painting and of converting, to decide whether converting pays. Nothing is measured or run.

Work is counted in operations of `eager`, so that a fraction of `eager`'s time is the same fraction of its operations.
"""

from dataclasses import dataclass
from typing import Any

from torch import nn

# Measured with pocket on one thread: converting its U-Net takes 4.2 s, in which `eager` does 2e11 operations.
_CONVERSION, _PER_WEIGHT = 2e11, 2e3
_COMPILING = 0.5  # of it, if the graph is kept
# What OpenVINO saves, in fractions of `eager`'s time, for one picture at once and for more (docs/engines.md).
_OF_EAGER, _OF_OPTIMIZED = (0.5, 0.33), (0.2, 0.1)


@dataclass(frozen=True)
class BatchWork:
    """The U-Net's work for one batch.

    Attributes:
        evaluations: of one latent with one text, in all steps.
        pictures: painted at once.
        height, width: of the latents.
        controlled: whether controls add to the U-Net's maps.
        words: whether words are edited, which diffusers' own U-Net does.
        sides: texts of each picture: 2 with guidance.
    """

    evaluations: int
    pictures: int
    height: int
    width: int
    controlled: bool = False
    words: bool = False
    sides: int = 2

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of pictures and of rows, height and width."""
        return self.pictures, self.sides * self.pictures, self.height, self.width


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


def saved_work(unet: Any, batch: BatchWork, *, optimized: bool) -> float:
    """Returns how many operations OpenVINO saves in a batch: those of `optimized`, or of `eager`."""
    one, more = _OF_OPTIMIZED if optimized else _OF_EAGER
    whole = batch.evaluations * evaluation_work(unet, batch.height, batch.width)
    return whole * (one if batch.pictures == 1 else more)


def conversion_work(unet: nn.Module, *, has_graph: bool = False) -> float:
    """Returns how many operations by `eager` take as long as converting a U-Net, or as compiling its graph for a size."""
    whole = _CONVERSION + _PER_WEIGHT * _weights(unet)
    return _COMPILING * whole if has_graph else whole


def _weights(part: nn.Module | None) -> int:
    return 0 if part is None else sum(tensor.numel() for tensor in part.parameters())
