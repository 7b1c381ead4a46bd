"""Networks of one line each in the U-Net's place, whose predictions can be computed by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from impasto.painting.guidance.conditions import Conditions
from impasto.painting.guidance.guiding import Guiding
from impasto.painting.schedulers import make_scheduler, set_steps

SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
    "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 1, "clip_sample": False,
}  # fmt: skip


class LineUNet:
    """Predicts slope * x + the mean of the states that it is told; `asked` holds the batch sizes of its evaluations."""

    def __init__(self, slope: float = 0.5) -> None:
        self.slope = slope
        self.asked: list[int] = []

    def tell(
        self, states: torch.Tensor | Sequence[torch.Tensor], *, guided: bool
    ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        sets = [states] if isinstance(states, torch.Tensor) else states
        means = torch.cat([one.mean(dim=(1, 2)) for one in sets]).view(-1, 1, 1, 1)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            both = torch.cat([latents, latents]) if guided else latents
            self.asked.append(len(both))
            return self.slope * both + means * both.square()

        return predict


def drawn(pictures: int = 2, away_tokens: int = 5) -> tuple[torch.Tensor, Conditions]:
    """Latents [n, 4, 6, 6] and both sides' states, of 5 tokens and of `away_tokens`."""
    draw = torch.Generator().manual_seed(3)
    latents = torch.randn(pictures, 4, 6, 6, generator=draw)
    towards, away = torch.randn(pictures, 5, 8, generator=draw), torch.randn(pictures, away_tokens, 8, generator=draw)
    return latents, Conditions(towards, away)


def guiding(
    conditions: Conditions,
    weights: Sequence[float] | None,
    *,
    sampler: str = "ddim",
    steps: int = 10,
    prediction_type: str = "epsilon",
    unet: LineUNet | None = None,
    **values: Any,
) -> Guiding:
    """A batch that is guided by a `LineUNet`."""
    scheduler = make_scheduler(sampler, {**SCHEDULE, "prediction_type": prediction_type})
    set_steps(scheduler, steps)
    told = None if weights is None else torch.tensor(weights)
    return Guiding(unet or LineUNet(), conditions, told, torch.float32, scheduler, prediction_type, **values)


def halves(made: Guiding, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the U-Net predicts for each side: (towards, away)."""
    timestep = torch.tensor(1)
    assert made.conditions.away is not None
    away = made.unet.tell(made.conditions.away, guided=False)(latents, timestep)
    return made.conditions.tell_towards(made.unet)(latents, timestep), away
