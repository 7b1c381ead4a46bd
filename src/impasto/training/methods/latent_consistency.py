"""The equations of latent consistency distillation (Luo et al. 2023): what a student says of a noisy latent, one step of its
teacher, and how far two answers are apart."""

from typing import Any

import torch
from diffusers.schedulers.scheduling_lcm import LCMScheduler

from impasto.training.losses.diffusion import DiffusionLoss, Noise


class LatentConsistency(DiffusionLoss):
    """A checkpoint's noise schedule, with the levels that the sampler `lcm` knows: 50, or all where there are fewer.

    Args:
        leap: noise levels that the teacher covers (k in the paper), from any of the sampler's levels. 0: from each level
            at which a student of `steps` steps paints to its next one, and from the last one to 0; it learns no others
            (multistep consistency, Heek et al. 2024, with the sampler's own levels).
        huber: c of the pseudo-Huber distance.
        steps: of the student; used where `leap` is 0.
    """

    def __init__(self, scheduler_config: dict[str, Any], *, leap: int, huber: float, steps: int = 4) -> None:
        super().__init__(scheduler_config, snr_gamma=None)
        self.leap, self.huber = leap, huber
        # Painting's own scheduler: its boundary conditions and its levels are what the student must learn.
        self._sampler: Any = LCMScheduler.from_config(scheduler_config)
        self._trained = int(self.scheduler.config.num_train_timesteps)
        levels = min(self._trained, int(self._sampler.config.original_inference_steps))
        self._sampler.set_timesteps(steps if leap == 0 else levels, original_inference_steps=levels)
        self._levels: torch.Tensor = self._sampler.timesteps.flip(0)

    def draw(self, shape: torch.Size | tuple[int, ...]) -> Noise:
        """Noise, and for each latent one of the levels, all of them alike."""
        drawn = super().draw(shape)
        return Noise(drawn.noise, self._levels[drawn.times * len(self._levels) // self._trained])

    def earlier(self, times: torch.Tensor) -> torch.Tensor:
        """Where the teacher leads to, int64 [n]; at least 0."""
        if self.leap:
            return (times - self.leap).clamp(min=0)
        levels = self._levels.to(times.device)
        return torch.cat([levels.new_zeros(1), levels])[torch.searchsorted(levels, times)]

    def clean(self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """The clean latents [n, c, h, w] in the U-Net's answer to `noisy` (z_0 in section 4.1)."""
        signal, spread = self._scales(noisy, times)
        if self.prediction == "epsilon":
            return (noisy - spread * predicted) / signal
        if self.prediction == "v_prediction":
            return signal * noisy - spread * predicted
        return predicted

    def consistent(self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """The consistency function c_skip(t) z + c_out(t) z_0 (section 3); at level 0 it is `noisy` itself."""
        skip, out = self._sampler.get_scalings_for_boundary_condition_discrete(times.view(-1, 1, 1, 1))
        return skip * noisy + out * self.clean(predicted, noisy, times)

    def step(
        self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor, until: torch.Tensor
    ) -> torch.Tensor:
        """The latents at `until`, one step of DDIM (Song et al. 2020, equation 12 without noise) from `noisy` at `times`."""
        clean = self.clean(predicted, noisy, times)
        signal, spread = self._scales(noisy, times)
        after, left = self._scales(noisy, until)
        return after * clean + left * (noisy - signal * clean) / spread

    def distances(self, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        """Mean pseudo-Huber distances sqrt(d^2 + c^2) - c (Song and Dhariwal 2023, equation 7, of each value), [n]."""
        return ((ours - theirs).square() + self.huber**2).sqrt().sub(self.huber).mean(dim=(1, 2, 3))

    def _scales(self, like: torch.Tensor, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """sqrt(alpha-bar) and sqrt(1 - alpha-bar) at `times`, [n, 1, 1, 1]."""
        alpha_bar = self.scheduler.alphas_cumprod.to(like)[times].view(-1, 1, 1, 1)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
