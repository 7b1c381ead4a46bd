"""The `Conditions` of a batch: the states that guidance leads towards and away from, and how they are given to the U-Net."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from impasto.painting.denoising import Predictor
    from impasto.painting.engines.conditioned import ConditionedUNet


@dataclass(frozen=True)
class Conditions:
    """The two sides of guidance for n pictures.

    Attributes:
        towards: states of the condition of each picture, [n, t1, width]: the text's tokens, then those of retrieved works.
        away: states of the negative prompt, [n, t2, width]; t2 may differ from t1. None: it is not evaluated.
    """

    towards: torch.Tensor
    away: torch.Tensor | None = None

    def tell(self, unet: "ConditionedUNet") -> "Predictor":
        """Returns the predictor of `unet` for both sides: latents [n, C, h, w] -> [2n, C, h, w], the `away` half first.

        If `away` is None, the predictor returns [n, C, h, w].
        """
        if self.away is None:
            return self.tell_towards(unet)
        if self.away.shape[1] == self.towards.shape[1]:
            return unet.tell(torch.cat([self.away, self.towards]), guided=True)
        return unet.tell([self.away, self.towards], guided=True)

    def tell_towards(self, unet: "ConditionedUNet") -> "Predictor":
        """Returns the predictor of `unet` for the `towards` side alone: latents [n, C, h, w] -> the same shape."""
        return unet.tell(self.towards, guided=False)
