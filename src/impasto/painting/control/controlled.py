"""The `ControlledUNet` class: a U-Net whose hidden maps ControlNets and T2I-Adapters add to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch

from impasto.painting.engines.conditioned import ControllableUNet, Residuals

if TYPE_CHECKING:
    from impasto.adapters.control.nets import ControlNet

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class ActiveControl:
    """A control that is ready to use.

    Attributes:
        net: the network, on the U-Net's device and in its dtype.
        picture: the control map, [1, 3, H, W] in 0..1; H and W are the painting's.
        weight: what its maps are multiplied with, 0 or more.
        start, until: the shares of the steps, 0 to 1, between which it acts.
        guess: it acts on the condition alone, more on coarse maps than on fine ones (ControlNet's guess mode).
    """

    net: "ControlNet"
    picture: torch.Tensor
    weight: float = 1.0
    start: float = 0.0
    until: float = 1.0
    guess: bool = False

    def acts(self, step: int, steps: int) -> bool:
        """Returns whether it acts in step 0, 1, ... of `steps`; diffusers' rule."""
        return self.weight != 0 and step / steps >= self.start and (step + 1) / steps <= self.until


class ControlledUNet:
    """A U-Net with controls; see `ConditionedUNet`. In steps where none acts, it is the U-Net without them."""

    def __init__(self, plain: ControllableUNet, controls: Sequence[ActiveControl], timesteps: torch.Tensor) -> None:
        """Wraps `plain`, the U-Net without controls.

        Args:
            timesteps: all of the sampler's, in their order.
        """
        self._plain, self._controls = plain, [one for one in controls if one.weight]
        self._timesteps = timesteps.float().cpu()
        self._within = [self._adapted(one) for one in self._controls if one.net.is_adapter]

    def tell(self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool) -> Predict:
        """See `ConditionedUNet.tell`."""
        plain = self._plain.tell(states, guided=guided)
        sets = [states] if isinstance(states, torch.Tensor) else list(states)
        controlled: Any = None

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            nonlocal controlled
            active = self._active(timestep)
            if not active:
                return plain(latents, timestep)
            controlled = controlled or self._plain.tell_controlled(states, guided=guided)
            return controlled(latents, timestep, self._added(latents, timestep, sets, active, guided))

        return predict

    def _active(self, timestep: torch.Tensor) -> list[ActiveControl]:
        step = int((self._timesteps - float(timestep)).abs().argmin())
        return [one for one in self._controls if one.acts(step, len(self._timesteps))]

    def _added(
        self, latents: torch.Tensor, timestep: torch.Tensor, sets: list[torch.Tensor], active: list[ActiveControl],
        guided: bool,
    ) -> Residuals:  # fmt: skip
        """Returns what the controls add for the rows of all sets; under guidance the first n are of the negative prompt."""
        rows, negative = (torch.cat([latents, latents]), len(latents)) if guided else (latents, 0)
        total: list[torch.Tensor] = []
        for control in active:
            if control.net.is_adapter:
                continue
            made, first = [], 0
            for one in sets:
                away = min(max(negative - first, 0), len(one))
                made.append(_of_net(control, rows[first : first + len(one)], timestep, one, away))
                first += len(one)
            joined = _joined(made, [len(one) for one in sets])
            total = [a + b for a, b in zip(total, joined, strict=True)] if total else joined
        within = [maps for one, maps in self._within if any(one is other for other in active)]
        summed = [reduce(torch.add, maps) for maps in zip(*within, strict=True)]
        return Residuals(total[:-1], total[-1] if total else None, summed)

    @torch.inference_mode()
    def _adapted(self, control: ActiveControl) -> tuple[ActiveControl, list[torch.Tensor]]:
        return control, [one * control.weight for one in control.net.model(control.picture)]


def _of_net(
    control: ActiveControl, latents: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, away: int
) -> list[torch.Tensor] | None:
    """Returns a ControlNet's maps, the middle one last; None where guess mode leaves all rows alone.

    `away`: how many rows, the first ones, are of the negative prompt, which guess mode leaves alone.
    """
    first = away if control.guess else 0
    if first == len(latents):
        return None
    shown = control.picture.expand(len(latents) - first, -1, -1, -1)
    down, middle = control.net.model(
        latents[first:], timestep, encoder_hidden_states=states[first:], controlnet_cond=shown,
        conditioning_scale=control.weight, guess_mode=control.guess, return_dict=False,
    )  # fmt: skip
    return [_padded(one, first) for one in (*down, middle)]


def _padded(maps: torch.Tensor, rows: int) -> torch.Tensor:
    """Returns maps [n, ...] after `rows` rows of zeros."""
    return torch.cat([torch.zeros_like(maps[:1]).expand(rows, *maps.shape[1:]), maps]) if rows else maps


def _joined(sets: list[list[torch.Tensor] | None], sizes: list[int]) -> list[torch.Tensor]:
    """Joins the maps of several sets of rows; those of a set without any are zeros."""
    like = next(maps for maps in sets if maps is not None)
    nothing = [torch.zeros_like(one[:1]) for one in like]
    filled = [
        [one.expand(size, -1, -1, -1) for one in nothing] if maps is None else maps
        for maps, size in zip(sets, sizes, strict=True)
    ]
    return filled[0] if len(filled) == 1 else [torch.cat(maps) for maps in zip(*filled, strict=True)]
