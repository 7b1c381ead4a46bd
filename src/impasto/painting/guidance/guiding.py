"""The `Guiding` class: the inputs from which every guider makes its predictor."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from impasto.painting.guidance.conditions import Conditions
from impasto.painting.guidance.record import USUAL_INTERVAL, Interval

if TYPE_CHECKING:
    from impasto.painting.engines.conditioned import ConditionedUNet


@dataclass(frozen=True)
class Guiding:
    """The model, conditions and settings for guiding a batch of n pictures.

    Attributes:
        unet: the checkpoint's U-Net, without conditions yet.
        conditions: the conditions to give it.
        weights: w of each picture, [n]; None paints by `conditions.towards` alone.
        dtype: the U-Net's dtype; the sampler around it stays in fp32.
        scheduler: the scheduler, with its timesteps set.
        prediction_type: what the U-Net predicts: epsilon or v_prediction.
        interval: the shares of the timesteps, 0 (clean) to 1 (noise), between which `interval` guides.
        worse: the other U-Net, for the guiders that lead away from one: a worse one, or the original.
    """

    unet: "ConditionedUNet"
    conditions: Conditions
    weights: torch.Tensor | None
    dtype: torch.dtype
    scheduler: Any
    prediction_type: str = "epsilon"
    interval: Interval = USUAL_INTERVAL
    worse: "ConditionedUNet | None" = None

    @property
    def each_weight(self) -> torch.Tensor:
        """The weights as [n, 1, 1, 1], for multiplication with latents."""
        assert self.weights is not None
        return self.weights.view(-1, 1, 1, 1)
