"""What every engine gives: a U-Net that takes its texts once and is then evaluated in every step, and a decoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from impasto.painting.engines.record import EngineNote

# Latents [n, C, h, w], scaled as the VAE expects them -> pictures [n, 3, fh, fw] in about -1 .. 1.
Decode = Callable[[torch.Tensor], torch.Tensor]


class ConditionedUNet(Protocol):
    """A U-Net that takes its text states once, and is then evaluated in every step."""

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Returns the predictor for these text states.

        Args:
            states: [m, tokens, width], or several sets with different numbers of tokens, m in all.
            guided: if True, m is 2n, with the negative texts first, and each of the n latents is evaluated with both its
                texts.

        Returns:
            (latents [n, C, h, w], timestep) -> predictions [m, C, h, w].
        """
        ...


@dataclass(frozen=True)
class Residuals:
    """What control networks add to the hidden maps of a U-Net that is evaluated for m rows.

    Attributes:
        down: for each map that the encoder hands to the decoder, in their order, [m, C, h, w]; empty without ControlNets.
        middle: for the map after the middle block, [m, C, h, w]; None without ControlNets.
        within: for the map of each block of the encoder, [1, C, h, w]; empty without T2I-Adapters.
    """

    down: Sequence[torch.Tensor] = ()
    middle: torch.Tensor | None = None
    within: Sequence[torch.Tensor] = ()


class ControllableUNet(ConditionedUNet, Protocol):
    """A U-Net to whose hidden maps control networks may add."""

    def tell_controlled(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor, Residuals], torch.Tensor]:
        """Returns the predictor for these text states, as `tell`, that takes in each step what is added."""
        ...


class Engine(Protocol):
    """One way to run a checkpoint's U-Nets and its decoder. The models are not changed, and later changes of their weights
    need not reach what an engine has made of them.
    """

    @property
    def note(self) -> EngineNote:
        """What is written into the records of its paintings."""
        ...

    def unet(self, unet: Any) -> ControllableUNet:
        """Returns a U-Net ready to take texts.

        Raises:
            CannotRun: this engine does not know one of its layers.
        """
        ...

    def decoder(self, vae: Any) -> Decode:
        """Returns the decoder of a VAE.

        Raises:
            CannotRun: this engine does not know one of its layers.
        """
        ...
