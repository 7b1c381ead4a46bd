"""The change of one layer by an adapter: the `Change` interface, and `LowRank`, the product of two thin matrices."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch


class Change(ABC):
    """The change of the weight of one linear layer or convolution.

    Attributes:
        kind: the kind of adapter, as its authors call it.
        alpha: the scaling constant; what the tensors describe is scaled by alpha / rank.
    """

    kind: ClassVar[str]
    alpha: float

    @property
    @abstractmethod
    def rank(self) -> int:
        """The rank of its factors."""

    @property
    @abstractmethod
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All its tensors, in a fixed order."""

    @property
    @abstractmethod
    def change_shape(self) -> tuple[int, int]:
        """(out, in) of the change; for a convolution, `in` includes the kernel's size."""

    @abstractmethod
    def change(self) -> torch.Tensor:
        """Returns the change that is added to the weight at scale 1, in fp32: [out, in] or [out, in, kh, kw]."""

    def change_of(self, weight: torch.Tensor) -> torch.Tensor:
        """Returns the change of this very `weight` at scale 1, in fp32 and in its shape."""
        # A 1x1 convolution and a linear layer are the same map, and some files have one in place of the other.
        return self.change().to(weight.device).reshape(weight.shape)

    @property
    def scale(self) -> float:
        """alpha / rank."""
        return self.alpha / self.rank


@dataclass(frozen=True)
class LowRank(Change):
    """The change of one linear layer or convolution: alpha / rank * up @ down, equation 3 of Hu et al. 2021.

    Attributes:
        down: [rank, in], or [rank, in, kh, kw] for a convolution; A in the paper.
        up: [out, rank], or [out, rank, 1, 1]; B in the paper.
        alpha: the scaling constant; the product is scaled by alpha / rank.
    """

    kind = "LoRA"

    down: torch.Tensor
    up: torch.Tensor
    alpha: float

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.down, self.up

    @property
    def change_shape(self) -> tuple[int, int]:
        return self.up.shape[0], self.down[0].numel()

    def change(self) -> torch.Tensor:
        product = self.up.float().flatten(1) @ self.down.float().flatten(1)
        return self.scale * product.reshape(self.up.shape[0], *self.down.shape[1:])


# The name of a module of the U-Net or of the text encoder -> its change.
Layers = dict[str, Change]
