"""The equations of latent consistency distillation (Luo et al. 2023): what a student says of a noisy latent, one step of its
teacher, and how far two answers are apart."""

from typing import Any

import torch
from diffusers.schedulers.scheduling_lcm import LCMScheduler

from impasto.training.diffusion_loss import DiffusionLoss, Noise


class LatentConsistency(DiffusionLoss):
    """A checkpoint's noise schedule, with the levels that the sampler `lcm` knows: 50, or all where there are fewer.

    Args:
        leap: noise levels that one step of the teacher covers (k in the paper).
        huber: c of the pseudo-Huber distance.
    """

    def __init__(self, scheduler_config: dict[str, Any], *, leap: int, huber: float) -> None:
        super().__init__(scheduler_config, snr_gamma=None)
        self.leap, self.huber = leap, huber
        # Painting's own scheduler: its boundary conditions and its levels are what the student must learn.
        self._sampler: Any = LCMScheduler.from_config(scheduler_config)
        trained = int(self.scheduler.config.num_train_timesteps)
        self._levels = min(trained, int(self._sampler.config.original_inference_steps))
        self._stride = trained // self._levels

    def draw(self, shape: torch.Size | tuple[int, ...]) -> Noise:
        """Noise, and for each latent one of the sampler's levels, all of them alike."""
        drawn = super().draw(shape)
        level = (drawn.times // self._stride).clamp(max=self._levels - 1)
        return Noise(drawn.noise, (level + 1) * self._stride - 1)

    def earlier(self, times: torch.Tensor) -> torch.Tensor:
        """Where one step of the teacher leads to, int64 [n]; at least 0."""
        return (times - self.leap).clamp(min=0)

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

    def step(self, predicted: torch.Tensor, noisy: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """The latents one step of DDIM (Song et al. 2020, equation 12 without noise) ahead, at `earlier(times)`."""
        clean = self.clean(predicted, noisy, times)
        signal, spread = self._scales(noisy, times)
        after, left = self._scales(noisy, self.earlier(times))
        return after * clean + left * (noisy - signal * clean) / spread

    def distances(self, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        """Mean pseudo-Huber distances sqrt(d^2 + c^2) - c (Song and Dhariwal 2023, equation 7, of each value), [n]."""
        return ((ours - theirs).square() + self.huber**2).sqrt().sub(self.huber).mean(dim=(1, 2, 3))

    def _scales(self, like: torch.Tensor, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """sqrt(alpha-bar) and sqrt(1 - alpha-bar) at `times`, [n, 1, 1, 1]."""
        alpha_bar = self.scheduler.alphas_cumprod.to(like)[times].view(-1, 1, 1, 1)
        return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
