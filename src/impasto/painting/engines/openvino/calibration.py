"""Inputs of a U-Net as they occur in painting, by which NNCF measures the ranges of its activations for int8."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from impasto.checkpoints.size import latent_factor
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.schedulers import make_scheduler, set_steps
from impasto.prompts.condition import Condition

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

_CAPTIONS = (
    "a village by a river in winter, boats on the bank", "portrait of a woman in a black dress with a white collar",
    "still life with apples, a jug and a white cloth", "a stormy sea with a sailing ship near the rocks",
    "the interior of a church with light from high windows", "wheat fields under a cloudy sky",
    "a busy city street in the rain at night", "an abstract composition of red and blue shapes",
    "horses and riders in a forest", "a saint with angels, gold background", "a garden with flowers and a pond",
    "old man reading at a table by candlelight",
)  # fmt: skip
_TOGETHER, _STEPS, _GUIDANCE, _SEED = 4, 8, 5.0, 0

# (text states [2 n, tokens, width]) -> the inputs that are the same in all steps
Told = Callable[[torch.Tensor], Sequence[torch.Tensor]]


@torch.no_grad()
def calibration_inputs(components: "Components", unet: Any, told: Told) -> list[list[torch.Tensor]]:
    """Returns the inputs of all steps of painting 12 texts, 4 at once, with 8 steps of DDIM and guidance, at the
    checkpoint's own size. The texts are like a catalogue's: with artists of the checkpoint, years and styles.
    """
    side = components.default_size // latent_factor(components.vae.config)
    channels = components.unet.config["in_channels"]
    generator = torch.Generator().manual_seed(_SEED)
    artists = [str(row["name"]) for row in components.artists] or [""]
    conditions = [
        Condition(caption=caption, artist=artists[number % len(artists)] if number % 3 else "", year=1500 + 40 * number)
        for number, caption in enumerate(_CAPTIONS)
    ]
    found: list[list[torch.Tensor]] = []
    for start in range(0, len(conditions), _TOGETHER):
        asked = [condition.text() for condition in conditions[start : start + _TOGETHER]]
        states = components.encode_text([""] * len(asked) + asked).float()
        same, predict = list(told(states)), PlainUNet(unet).tell(states, guided=True)
        scheduler: Any = make_scheduler("ddim", components.scheduler_config, 0.0)
        set_steps(scheduler, _STEPS, torch.device("cpu"))
        latents = torch.randn(len(asked), channels, side, side, generator=generator)
        for timestep in scheduler.timesteps:
            found.append([latents.clone(), timestep.reshape(1).float(), *same])
            away, towards = predict(latents, timestep).chunk(2)
            latents = scheduler.step(away + _GUIDANCE * (towards - away), timestep, latents, return_dict=False)[0]
    return found
