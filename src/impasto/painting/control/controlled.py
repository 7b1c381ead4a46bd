"""The `ControlledUNet` class: a U-Net whose hidden maps ControlNets and T2I-Adapters add to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from impasto.adapters.control.nets import ControlNet
from impasto.painting.engines.conditioned import ConditionedUNet

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

    net: ControlNet
    picture: torch.Tensor
    weight: float = 1.0
    start: float = 0.0
    until: float = 1.0
    guess: bool = False

    def acts(self, step: int, steps: int) -> bool:
        """Returns whether it acts in step 0, 1, ... of `steps`; diffusers' rule."""
        return self.weight != 0 and step / steps >= self.start and (step + 1) / steps <= self.until


@dataclass
class _Residuals:
    """What is added to the U-Net's maps: of ControlNets after its encoder, of T2I-Adapters within it."""

    down: list[torch.Tensor] | None = None
    middle: torch.Tensor | None = None
    within: list[torch.Tensor] | None = None

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.down is not None:
            found |= {"down_block_additional_residuals": self.down, "mid_block_additional_residual": self.middle}
        if self.within is not None:
            found |= {"down_intrablock_additional_residuals": [one.clone() for one in self.within]}
        return found


class ControlledUNet:
    """A U-Net with controls; see `ConditionedUNet`. In steps where none acts, it is the U-Net without them."""

    def __init__(
        self, unet: Any, plain: ConditionedUNet, controls: Sequence[ActiveControl], timesteps: torch.Tensor
    ) -> None:
        """Wraps `unet`, diffusers' own; `plain` is the same as it is run without controls.

        Args:
            timesteps: all of the sampler's, in their order.
        """
        self._unet, self._plain, self._controls = unet, plain, [one for one in controls if one.weight]
        self._timesteps = timesteps.float().cpu()
        self._within = [self._adapted(one) for one in self._controls if one.net.is_adapter]

    def tell(self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool) -> Predict:
        """See `ConditionedUNet.tell`."""
        plain = self._plain.tell(states, guided=guided)
        sets = [states] if isinstance(states, torch.Tensor) else list(states)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            active = self._active(timestep)
            if not active:
                return plain(latents, timestep)
            if len(sets) == 1:
                both = torch.cat([latents, latents]) if guided else latents
                return self._evaluate(both, timestep, sets[0], active, len(latents) if guided else 0)
            parts = [latents] * len(sets) if guided else latents.split([len(one) for one in sets])
            away = [len(latents) if guided and number == 0 else 0 for number in range(len(sets))]
            made = [self._evaluate(part, timestep, one, active, rows)
                    for part, one, rows in zip(parts, sets, away, strict=True)]  # fmt: skip
            return torch.cat(made)

        return predict

    def _active(self, timestep: torch.Tensor) -> list[ActiveControl]:
        step = int((self._timesteps - float(timestep)).abs().argmin())
        return [one for one in self._controls if one.acts(step, len(self._timesteps))]

    def _evaluate(
        self, latents: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, active: list[ActiveControl], away: int
    ) -> torch.Tensor:
        """Evaluates the U-Net; the first `away` rows are of the negative prompt, which guess mode leaves alone."""
        total = _Residuals()
        for control in active:
            if control.net.is_adapter:
                self._add_within(total, control, len(latents))
            else:
                self._add(total, control, latents, timestep, states, away)
        return self._unet(latents, timestep, encoder_hidden_states=states, return_dict=False, **total.arguments())[0]

    def _add(
        self, total: _Residuals, control: ActiveControl, latents: torch.Tensor, timestep: torch.Tensor,
        states: torch.Tensor, away: int,
    ) -> None:  # fmt: skip
        first = away if control.guess else 0
        if first == len(latents):
            return
        shown = control.picture.expand(len(latents) - first, -1, -1, -1)
        down, middle = control.net.model(
            latents[first:], timestep, encoder_hidden_states=states[first:], controlnet_cond=shown,
            conditioning_scale=control.weight, guess_mode=control.guess, return_dict=False,
        )  # fmt: skip
        if first:
            down, middle = [_padded(one, first) for one in down], _padded(middle, first)
        if total.down is None or total.middle is None:
            total.down, total.middle = list(down), middle
        else:
            total.down, total.middle = [a + b for a, b in zip(total.down, down, strict=True)], total.middle + middle

    def _add_within(self, total: _Residuals, control: ActiveControl, rows: int) -> None:
        maps = next(maps for one, maps in self._within if one is control)
        spread = [one.expand(rows, -1, -1, -1) for one in maps]
        total.within = spread if total.within is None else [a + b for a, b in zip(total.within, spread, strict=True)]

    @torch.inference_mode()
    def _adapted(self, control: ActiveControl) -> tuple[ActiveControl, list[torch.Tensor]]:
        return control, [one * control.weight for one in control.net.model(control.picture)]


def _padded(maps: torch.Tensor, rows: int) -> torch.Tensor:
    """Returns maps [n, ...] after `rows` rows of zeros."""
    return torch.cat([torch.zeros_like(maps[:1]).expand(rows, *maps.shape[1:]), maps])
