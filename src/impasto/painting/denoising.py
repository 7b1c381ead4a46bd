"""From noise to latents: the reverse process, for any sampler; `guidance` makes its predictors.

Every picture brings its own CPU generator, which gives its first noise and then the noise of each step. So a
picture does not know with which others it shares a batch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from impasto.painting.samplers import step_arguments

# (model input [n, C, h, w], timestep) -> the model's guided prediction [n, C, h, w]
Predictor = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# (steps done, model input, prediction, timestep)
StepWatcher = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], None]


def first_noise(
    generators: Sequence[torch.Generator], shape: tuple[int, int, int], device: torch.device
) -> torch.Tensor:
    """x_T ~ N(0, I): one fp32 draw of `shape` [C, h, w] a CPU generator, as [n, C, h, w] on `device`."""
    return torch.cat([torch.randn((1, *shape), generator=generator) for generator in generators]).to(device)


def denoise(
    predict: Predictor,
    latents: torch.Tensor,
    scheduler: Any,
    generators: list[torch.Generator],
    *,
    eta: float = 0.0,
    on_step: StepWatcher | None = None,
) -> torch.Tensor:
    """Run the reverse process from unit noise `latents` [n, C, h, w] to clean latents of that shape.

    Args:
        predict: the model, guidance included.
        scheduler: from `make_scheduler`, with its timetable set by `set_steps`; used up by one call.
        generators: one CPU generator for each of the n pictures.
        eta: sigma_t of equation 19 (Wu 2022) as a share of DDPM's; `ddim` only.
        on_step: called after each evaluation of the model.
    """
    arguments = step_arguments(scheduler, eta, generators)
    latents = latents * scheduler.init_noise_sigma
    for done, timestep in enumerate(scheduler.timesteps, start=1):
        model_input = scheduler.scale_model_input(latents, timestep)
        prediction = predict(model_input, timestep)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False, **arguments)[0]
        if on_step is not None:
            on_step(done, model_input, prediction, timestep)
    return latents


def expected_clean(
    scheduler: Any,
    prediction_type: str,
    model_input: torch.Tensor,
    prediction: torch.Tensor,
    timestep: torch.Tensor,
) -> torch.Tensor:
    """f(x_t, t), the clean latents that the model expects at x_t (Wu 2022, above equation 19); for previews.

    Every scheduler scales its model input to the variance-preserving x_t, so one formula serves all of them.
    """
    alpha_bar = alpha_bar_at(scheduler, timestep).to(model_input.device)
    return clean_of(prediction_type, model_input, prediction, alpha_bar)


def alpha_bar_at(scheduler: Any, timestep: torch.Tensor) -> torch.Tensor:
    """The share of the picture's variance in x_t, a number; of the nearest whole timestep."""
    level = min(max(round(float(timestep)), 0), len(scheduler.alphas_cumprod) - 1)
    return scheduler.alphas_cumprod[level]


def clean_of(
    prediction_type: str, model_input: torch.Tensor, prediction: torch.Tensor, alpha_bar: torch.Tensor
) -> torch.Tensor:
    """The clean latents that a predicted noise, or velocity, stands for at x_t."""
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    if prediction_type == "v_prediction":
        return signal * model_input - noise * prediction
    return (model_input - noise * prediction) / signal.clamp(min=1e-4)
