"""The equations of latent consistency distillation (Luo et al. 2023).

They are the student's prediction from a noisy latent, one step of its teacher, and the distance of two predictions.
"""

from typing import Any

import torch
from diffusers.schedulers.scheduling_lcm import LCMScheduler

from impasto.training.losses.diffusion import DiffusionLoss, Noise


class LatentConsistency(DiffusionLoss):
    """A checkpoint's noise schedule, with the levels of the sampler `lcm`: 50, or all if there are fewer.

    Args:
        leap: noise levels that the teacher covers (k in the paper), from any of the sampler's levels. 0: from each level
            at which a student of `steps` steps paints to its next one, and from the last one to 0; the student learns no
            others (multistep consistency, Heek et al. 2024, with the sampler's own levels).
        huber: c of the pseudo-Huber distance.
        steps: number of the student's steps; used if `leap` is 0.
    """

    def __init__(self, scheduler_config: dict[str, Any], *, leap: int, huber: float, steps: int = 4) -> None:
        super().__init__(scheduler_config, snr_gamma=None)
        self.leap, self.huber = leap, huber
        # The scheduler that is used for painting: the student must learn its boundary conditions and its levels.
        self._sampler: Any = LCMScheduler.from_config(scheduler_config)
        self._trained = int(self.scheduler.config.num_train_timesteps)
        levels = min(self._trained, int(self._sampler.config.original_inference_steps))
        self._sampler.set_timesteps(steps if leap == 0 else levels, original_inference_steps=levels)
        self._levels: torch.Tensor = self._sampler.timesteps.flip(0)

    def draw(self, shape: torch.Size | tuple[int, ...]) -> Noise:
        """Draws noise, and for each latent one of the levels with equal probability."""
        drawn = super().draw(shape)
        return Noise(drawn.noise, self._levels[drawn.times * len(self._levels) // self._trained])

    def earlier(self, times: torch.Tensor) -> torch.Tensor:
        """Returns the timesteps that the teacher reaches, int64 [n]; at least 0."""
        if self.leap:
            return (times - self.leap).clamp(min=0)
        levels = self._levels.to(times.device)
        return torch.cat([levels.new_zeros(1), levels])[torch.searchsorted(levels, times)]

    def clean(self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Returns the clean latents [n, c, h, w] of the U-Net's prediction for `noisy` (z_0 in section 4.1)."""
        signal, spread = self._scales(noisy, times)
        if self.prediction == "epsilon":
            return (noisy - spread * predicted) / signal
        if self.prediction == "v_prediction":
            return signal * noisy - spread * predicted
        return predicted

    def consistent(self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Returns the consistency function c_skip(t) z + c_out(t) z_0 (section 3); at level 0 it is `noisy` itself."""
        skip, out = self._sampler.get_scalings_for_boundary_condition_discrete(times.view(-1, 1, 1, 1))
        return skip * noisy + out * self.clean(predicted, noisy, times)

    def step(
        self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor, until: torch.Tensor
    ) -> torch.Tensor:
        """Returns the latents at `until` after one DDIM step from `noisy` at `times`.

        The step is that of Song et al. 2020, equation 12 without noise.
        """
        clean = self.clean(predicted, noisy, times)
        signal, spread = self._scales(noisy, times)
        after, left = self._scales(noisy, until)
        return after * clean + left * (noisy - signal * clean) / spread

    def distances(self, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        """Returns the mean pseudo-Huber distances, [n].

        They are sqrt(d^2 + c^2) - c (Song and Dhariwal 2023, equation 7, of each value).
        """
        return ((ours - theirs).square() + self.huber**2).sqrt().sub(self.huber).mean(dim=(1, 2, 3))

    def _scales(self, like: torch.Tensor, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns sqrt(alpha-bar) and sqrt(1 - alpha-bar) at `times`, [n, 1, 1, 1]."""
        alpha_bar = self.scheduler.alphas_cumprod.to(like)[times].view(-1, 1, 1, 1)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
