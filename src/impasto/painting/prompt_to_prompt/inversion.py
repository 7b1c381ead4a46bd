"""Inversion: the noise, and the negative states, from which DDIM paints a given picture again.

- DDIM inversion (Song et al. 2020; Dhariwal and Nichol 2021): the sampler's steps backwards, each with the answer at its
  beginning in place of that at its end. Inexact, and only without guidance.
- Fixed-point iteration (Pan et al. 2023, AIDI; Garibi et al. 2024, ReNoise): each step is repeated until the answer is that
  of its end.
- Null-text optimisation (Mokady et al. 2022): with guidance, the states of the negative prompt are fitted in every step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from impasto.painting.denoising import alpha_bar_at

Predict = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]  # latents, timestep, states -> prediction
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class DdimPath:
    """The steps of DDIM without fresh noise on a checkpoint's schedule.

    Attributes:
        timesteps: from noise to clean.
        signal: alpha_bar at each timestep, and after the last step: [steps + 1].
        velocity: whether the model predicts velocity, not noise.
    """

    timesteps: torch.Tensor
    signal: torch.Tensor
    velocity: bool

    @classmethod
    def of(cls, scheduler: Any, prediction_type: str) -> "DdimPath":
        """Returns the path of a DDIM scheduler with its timesteps set."""
        stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
        last = int(scheduler.timesteps[-1]) - stride
        end = scheduler.alphas_cumprod[last] if last >= 0 else scheduler.final_alpha_cumprod
        signal = torch.stack([*(alpha_bar_at(scheduler, time) for time in scheduler.timesteps), torch.as_tensor(end)])
        return cls(scheduler.timesteps, signal.float(), prediction_type == "v_prediction")

    def __len__(self) -> int:
        return len(self.timesteps)

    def noise_of(self, prediction: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        """Returns the noise that a prediction at step `step` means."""
        if not self.velocity:
            return prediction
        return self.signal[step].sqrt() * prediction + (1 - self.signal[step]).sqrt() * latents

    def move(self, latents: torch.Tensor, noise: torch.Tensor, start: int, end: int) -> torch.Tensor:
        """Returns latents at the level of step `end` from those at `start`; equation 12 of Song et al. 2020, either way."""
        here, there = self.signal[start], self.signal[end]
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        return there.sqrt() * clean + (1 - there).sqrt() * noise


@torch.inference_mode()
def invert(
    predict: Predict, path: DdimPath, latents: torch.Tensor, states: torch.Tensor, *, iterations: int = 1,
    on_step: OnStep = lambda done, of: None,
) -> list[torch.Tensor]:  # fmt: skip
    """Returns the latents at every level, from clean to noise: [steps + 1] of [n, C, h, w].

    Args:
        predict: without guidance.
        latents: clean, in the VAE's scale.
        states: of the prompt that describes the picture.
        iterations: 1 for DDIM inversion, 5 for a fixed point to about 70 dB.
        on_step: called with (steps done, all steps).
    """
    found = [latents]
    steps = len(path)
    for step in reversed(range(steps)):
        here, there = found[-1], found[-1]
        for _ in range(max(1, iterations)):
            noise = path.noise_of(predict(there, path.timesteps[step], states), there, step)
            there = path.move(here, noise, step + 1, step)
        found.append(there)
        on_step(steps - step, steps)
    return found


def fit_null_text(
    predict: Predict, path: DdimPath, trajectory: Sequence[torch.Tensor], states: torch.Tensor, empty: torch.Tensor,
    guidance: float, *, inner: int = 10, most: int = 500, early_stop: float = 1e-5,
    on_step: OnStep = lambda done, of: None,
) -> list[torch.Tensor]:  # fmt: skip
    """Returns negative states for every step, with which guided DDIM follows `trajectory` (Mokady et al. 2022).

    Args:
        trajectory: of `invert`, from clean to noise.
        states, empty: of the prompt and of the empty text, [1, tokens, width].
        inner: Adam's steps in each of the sampler's; all together at most `most`.
        early_stop: the squared error at which a step is good enough, growing by 2e-5 a step, as in the authors' program.
        on_step: called with (steps done, all steps).
    """
    steps, left = len(path), most
    latents = trajectory[-1].clone()
    found: list[torch.Tensor] = []
    away = empty.clone()
    for step in range(steps):
        target = trajectory[steps - step - 1].clone()
        with torch.no_grad():
            towards = predict(latents, path.timesteps[step], states.clone())

        def moved(
            away: torch.Tensor, latents: torch.Tensor = latents, towards: torch.Tensor = towards, step: int = step
        ) -> torch.Tensor:
            other = predict(latents, path.timesteps[step], away)
            noise = path.noise_of(other + guidance * (towards - other), latents, step)
            return path.move(latents, noise, step, step + 1)

        with torch.enable_grad():
            fitted = away.detach().clone().requires_grad_()
            optimizer = torch.optim.Adam([fitted], lr=1e-2 * (1 - step / 100))
            for _ in range(min(inner, left)):
                left -= 1
                loss = (moved(fitted) - target).square().mean()
                if float(loss.detach()) < early_stop + step * 2e-5:
                    break
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        away = fitted.detach()
        found.append(away)
        with torch.no_grad():
            latents = moved(away)
        on_step(step + 1, steps)
    return found


def psnr(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """Returns the peak signal-to-noise ratio in dB of pictures in -1..1."""
    error = (made.clamp(-1, 1) - wanted.clamp(-1, 1)).square().mean().clamp(min=1e-12)
    return float(10 * torch.log10(4 / error))
