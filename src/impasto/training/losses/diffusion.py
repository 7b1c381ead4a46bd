"""The diffusion loss (equation 15 of wu2022) of any checkpoint: epsilon, v or sample prediction, weighted by min-SNR."""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.training_utils import compute_snr

_NOISIEST = 0.25  # the share of the timesteps that the bias applies to; the same as diffusers' "later"


@dataclass(frozen=True)
class Noise:
    """The random draws of a batch: noise in the latents' shape [n, c, h, w], and timesteps int64 [n]."""

    noise: torch.Tensor
    times: torch.Tensor

    def of(self, places: slice) -> "Noise":
        """Returns the draws of a part of the batch."""
        return Noise(self.noise[places], self.times[places])


class DiffusionLoss:
    """Computes noised latents, the prediction target of the U-Net and the loss weight of each timestep.

    Attributes:
        scheduler: the checkpoint's noise schedule.
        snr_gamma: min-SNR's gamma (Hang et al. 2023, section 3.4; theirs is 5); None weights all timesteps equally.
        noise_offset: deviation of a constant added to each channel's noise, so that pictures can become darker or lighter
            as a whole; 0 for none, 0.1 at most is usual.
        timestep_bias: how many times as often a timestep of the noisiest quarter is drawn as any other one; 1 draws all
            equally often.
    """

    def __init__(
        self,
        scheduler_config: dict[str, Any],
        *,
        snr_gamma: float | None,
        noise_offset: float = 0.0,
        timestep_bias: float = 1.0,
    ) -> None:
        self.scheduler: Any = DDPMScheduler.from_config(scheduler_config)
        self.snr_gamma, self.noise_offset, self.timestep_bias = snr_gamma, noise_offset, timestep_bias
        self.prediction: str = self.scheduler.config.prediction_type

    def draw(self, shape: torch.Size | tuple[int, ...]) -> Noise:
        """Draws noise and timesteps for latents of a shape from torch's generator.

        The timesteps are uniform except for the bias. They are stratified over the batch, which lowers the loss's variance;
        the distribution of each single timestep is unchanged.
        """
        count = shape[0]
        noise = torch.randn(shape)
        if self.noise_offset:
            noise += self.noise_offset * torch.randn(count, shape[1], 1, 1)
        place = self._biased((torch.randperm(count) + torch.rand(count)) / count)
        steps = int(self.scheduler.config.num_train_timesteps)
        return Noise(noise, (place * steps).long().clamp(max=steps - 1))

    def _biased(self, place: torch.Tensor) -> torch.Tensor:
        """Maps uniform numbers of [0, 1) to shares of the timesteps by the inverse of the bias's distribution function."""
        if self.timestep_bias == 1.0:
            return place
        calm = (1 - _NOISIEST) / (1 - _NOISIEST + _NOISIEST * self.timestep_bias)  # the probability of all other timesteps
        noisy = 1 - _NOISIEST + (place - calm) * _NOISIEST / (1 - calm)
        return torch.where(place < calm, place * (1 - _NOISIEST) / calm, noisy)

    def noised(self, latents: torch.Tensor, drawn: Noise) -> torch.Tensor:
        """Returns the latents with the noise of their timesteps."""
        return self.scheduler.add_noise(latents, drawn.noise, drawn.times)

    def target(self, latents: torch.Tensor, drawn: Noise) -> torch.Tensor:
        """Returns the U-Net's prediction target."""
        if self.prediction == "epsilon":
            return drawn.noise
        if self.prediction == "v_prediction":
            return self.scheduler.get_velocity(latents, drawn.noise, drawn.times)
        return latents

    def weights(self, times: torch.Tensor) -> torch.Tensor:
        """Returns the loss weights of these timesteps, float32 [n]."""
        if self.snr_gamma is None:
            return torch.ones(len(times), device=times.device)
        ratio = compute_snr(self.scheduler, times).float()
        bounded = ratio.clamp(max=self.snr_gamma)
        # The same weight of the clean latent's error, converted to the type of prediction.
        divisor = {"epsilon": ratio.clamp(min=1e-8), "v_prediction": ratio + 1}.get(self.prediction)
        return bounded if divisor is None else bounded / divisor

    def errors(self, predicted: torch.Tensor, latents: torch.Tensor, drawn: Noise) -> torch.Tensor:
        """Returns the mean squared errors, not weighted, float32 [n]."""
        return (predicted.float() - self.target(latents, drawn).float()).square().mean(dim=(1, 2, 3))
