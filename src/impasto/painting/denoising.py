"""The denoising loop: runs the reverse process from noise to clean latents with any sampler.

The predictors that the loop calls come from `impasto.painting.guidance`. Each picture has its own CPU generator, which
draws the picture's initial noise and then the noise of each step. So a picture does not depend on the other pictures in its
batch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from impasto.painting.schedulers import step_arguments

# (model input [n, C, h, w], timestep) -> the model's guided prediction [n, C, h, w]
Predictor = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# (steps done, model input, prediction, timestep)
StepWatcher = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], None]
# (index of the timestep whose noise level the latents have now, latents [n, C, h, w]) -> latents
Between = Callable[[int, torch.Tensor], torch.Tensor]


def first_noise(
    generators: Sequence[torch.Generator], shape: tuple[int, int, int], device: torch.device
) -> torch.Tensor:
    """Returns the initial noise x_T ~ N(0, I) as [n, C, h, w] on `device`: one fp32 draw of `shape` [C, h, w] for each of
    the n CPU generators.
    """
    return torch.cat([torch.randn((1, *shape), generator=generator) for generator in generators]).to(device)


def denoise(
    predict: Predictor,
    latents: torch.Tensor,
    scheduler: Any,
    generators: list[torch.Generator],
    *,
    eta: float = 0.0,
    on_step: StepWatcher | None = None,
    first: int | None = None,
    between: Between | None = None,
) -> torch.Tensor:
    """Run the reverse process from unit noise `latents` [n, C, h, w] to clean latents of that shape.

    Args:
        predict: the model, guidance included.
        scheduler: from `make_scheduler`, with its timesteps set by `set_steps`; one call uses it up.
        generators: one CPU generator for each of the n pictures.
        eta: sigma_t of equation 19 (Wu 2022) as a share of DDPM's; `ddim` only.
        on_step: called after each evaluation of the model.
        first: the index of the first timestep to evaluate, at whose noise level the latents are; None for unit noise, and
            all timesteps.
        between: changes the latents after each evaluation, such as `EditedLatents.after`.
    """
    arguments = step_arguments(scheduler, eta, generators)
    if first is None:
        latents = latents * scheduler.init_noise_sigma
    first = first or 0
    for done, timestep in enumerate(scheduler.timesteps[first:], start=1):
        model_input = scheduler.scale_model_input(latents, timestep)
        prediction = predict(model_input, timestep)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False, **arguments)[0]
        if between is not None:
            latents = between(first + done, latents)
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
    """Returns f(x_t, t), the clean latents that the model predicts at x_t (Wu 2022, above equation 19); for previews.

    Every scheduler scales its model input to the variance-preserving x_t, so one formula serves all of them.
    """
    alpha_bar = alpha_bar_at(scheduler, timestep).to(model_input.device)
    return clean_of(prediction_type, model_input, prediction, alpha_bar)


def alpha_bar_at(scheduler: Any, timestep: torch.Tensor) -> torch.Tensor:
    """Returns alpha_bar, the picture's share of the variance of x_t, as a scalar, at the nearest whole timestep."""
    level = min(max(round(float(timestep)), 0), len(scheduler.alphas_cumprod) - 1)
    return scheduler.alphas_cumprod[level]


def clean_of(
    prediction_type: str, model_input: torch.Tensor, prediction: torch.Tensor, alpha_bar: torch.Tensor
) -> torch.Tensor:
    """Converts a predicted noise or velocity at x_t to the clean latents that it implies."""
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    if prediction_type == "v_prediction":
        return signal * model_input - noise * prediction
    return (model_input - noise * prediction) / signal.clamp(min=1e-4)
