"""What the U-Net is told of each picture of a batch, and how it is asked about both sides of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from impasto.painting.denoising import Predictor
    from impasto.painting.optimized.choice import ConditionedUNet


@dataclass(frozen=True)
class Conditions:
    """The two sides of n pictures' guidance.

    Attributes:
        towards: states of what each picture is to show, [n, t1, width]: the text's tokens, then those of works looked at.
        away: states of what it is to keep away from, [n, t2, width]; t2 may differ from t1. None: nothing is asked of it.
    """

    towards: torch.Tensor
    away: torch.Tensor | None = None

    def tell(self, unet: "ConditionedUNet") -> "Predictor":
        """`unet`, told both sides: latents [n, C, h, w] -> [2n, C, h, w], the away half first; without one [n, C, h, w]."""
        if self.away is None:
            return self.tell_towards(unet)
        if self.away.shape[1] == self.towards.shape[1]:
            return unet.tell(torch.cat([self.away, self.towards]), guided=True)
        return unet.tell([self.away, self.towards], guided=True)

    def tell_towards(self, unet: "ConditionedUNet") -> "Predictor":
        """`unet`, told what the pictures are to show and nothing else: latents [n, C, h, w] -> the same shape."""
        return unet.tell(self.towards, guided=False)
