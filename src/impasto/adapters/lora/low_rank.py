"""The `LowRank` class, one layer of a LoRA: the change of a weight as a product of two thin matrices (Hu et al. 2021)."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LowRank:
    """The change of one linear layer or convolution: alpha / rank * up @ down, equation 3 of Hu et al. 2021.

    Attributes:
        down: [rank, in], or [rank, in, kh, kw] for a convolution; A in the paper.
        up: [out, rank], or [out, rank, 1, 1]; B in the paper.
        alpha: the scaling constant; the product is scaled by alpha / rank.
    """

    down: torch.Tensor
    up: torch.Tensor
    alpha: float

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    @property
    def change_shape(self) -> tuple[int, int]:
        """(out, in) of the change; for a convolution, `in` includes the kernel's size."""
        return self.up.shape[0], self.down[0].numel()

    def change(self) -> torch.Tensor:
        """Returns the change that is added to the weight at scale 1, in fp32: [out, in] or [out, in, kh, kw]."""
        product = self.up.float().flatten(1) @ self.down.float().flatten(1)
        return self.scale * product.reshape(self.up.shape[0], *self.down.shape[1:])


# The name of a module of the U-Net or of the text encoder -> its change.
Layers = dict[str, LowRank]
