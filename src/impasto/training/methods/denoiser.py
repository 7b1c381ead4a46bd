"""The denoiser's training task: a U-Net learns to denoise latents, given the text.

This is equation 15 of wu2022 with the velocity in place of the noise as what is predicted (Salimans and Ho 2022).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import nn

from impasto.data.caches.latents import TextStates
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.alignment import Alignment, FeatureMaps
from impasto.training.losses.text_whitening import TextWhitening


@dataclass(frozen=True)
class DenoiserChoices:
    """The U-Net's shape, the noise schedule and the optimizer. The first level has convolutions only."""

    block_out_channels: tuple[int, ...] = (96, 160, 192)
    # diffusers' 32 groups would be 3 channels each at the output: such a normalisation removes an image's mean from every
    # third channel just before the latent's mean colour must be predicted.
    norm_groups: int = 8
    head_width: int = 32
    layers_per_block: int = 1
    text_width: int = 384
    # Heads of the pooling that adds the text to the time embedding, and so to every convolution: a painter's manner is a
    # matter of texture, and the finest level has no attention to the text. 0: no such part.
    pooling_heads: int = 8
    batch: int = 24
    learning_rate: float = 8e-4
    weight_decay: float = 0.01
    snr_gamma: float = 5.0
    # Timesteps: this share is drawn logit-normal (Esser et al. 2024) around where a composition is decided, others uniform.
    focused_share: float = 0.8
    focus: float = -0.4
    focus_deviation: float = 1.0
    alignment_weight: float = 0.4  # at the start; it falls to 0 by the end of the run
    empty_probability: float = 0.1  # for classifier-free guidance: the probability that a picture gets an empty text
    # Stable Diffusion's 0.012 leaves 0.5 % of the signal's variance at the last step, from which a 16x16 latent's mean
    # colour can still be read; sampling from pure noise then gives a grey painting. 0.02 leaves 0.02 %.
    beta_start: float = 0.00085
    beta_end: float = 0.02


def make_schedule(choices: DenoiserChoices) -> DDIMScheduler:
    """Returns the noise schedule of the U-Net's training, with `prediction_type` v (Salimans and Ho 2022)."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=choices.beta_start,
        beta_end=choices.beta_end,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
    )


def make_sampler(choices: DenoiserChoices) -> DPMSolverMultistepScheduler:
    """Returns the scheduler that the checkpoint declares, with its best sampling: DPM-Solver++ in Karras's noise levels.

    Steps spread evenly over the timesteps leave one from sigma 0.2 to the end. The latents' texture channels have a
    deviation of 0.28. A Gaussian of that deviation keeps 77 % of it after 20 such steps, and 102 % with Karras's spacing.
    """
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_start=choices.beta_start,
        beta_end=choices.beta_end,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        use_karras_sigmas=True,
        timestep_spacing="leading",
        steps_offset=1,
    )


def make_unet(choices: DenoiserChoices, channels: int, side: int) -> UNet2DConditionModel:
    """Makes an untrained U-Net for latents [channels, side, side] with cross-attention on states [tokens, text_width].

    The last convolution of every residual branch starts at zero (Dhariwal and Nichol 2021), so that the network begins as
    the identity of its skips and learns faster in few steps.
    """
    depth = len(choices.block_out_channels)
    unet = UNet2DConditionModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * (depth - 1),
        up_block_types=("CrossAttnUpBlock2D",) * (depth - 1) + ("UpBlock2D",),
        block_out_channels=choices.block_out_channels,
        layers_per_block=choices.layers_per_block,
        cross_attention_dim=choices.text_width,
        # despite diffusers' name for it, this is the number of heads
        attention_head_dim=cast(Any, tuple(max(1, width // choices.head_width) for width in choices.block_out_channels)),
        use_linear_projection=True,
        norm_num_groups=choices.norm_groups,
        addition_embed_type="text" if choices.pooling_heads else None,
        addition_embed_type_num_heads=choices.pooling_heads,
    )
    for name, module in unet.named_modules():
        last_of_branch = name.endswith((".conv2", ".proj_out")) or name == "conv_out"
        if last_of_branch and isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    if choices.pooling_heads:
        nn.init.zeros_(cast(Any, unet.add_embedding).norm2.weight)
    return unet


class DenoiserTask:
    """Trains v-prediction, weighted by a bounded signal-to-noise ratio, on cached posteriors and text states."""

    averaged: Sequence[str] = ("unet",)

    def __init__(
        self,
        unet: UNet2DConditionModel,
        posterior: Sequence[Sequence[np.ndarray] | np.ndarray],
        texts: Sequence[Sequence[str]],
        states: TextStates,
        whitening: TextWhitening,
        choices: DenoiserChoices,
        *,
        seed: int,
        features: FeatureMaps | None = None,
    ) -> None:
        """Sets up the task.

        `posterior` holds means and deviations, each [c, h, w]; `texts[k]` are the variants of entry k's text. The U-Net is
        trained on whitened states: `whitening.fold_into(unet)` converts it to one for plain states.
        """
        self.unet, self.choices, self.texts, self.states, self.seed = unet.train(), choices, texts, states, seed
        self.mean, self.deviation = (torch.from_numpy(np.stack(list(part))) for part in posterior)
        self.order = ShuffledOrder(len(self.mean), choices.batch, seed)
        alphas: torch.Tensor = make_schedule(choices).alphas_cumprod
        self.signal, self.noise = alphas.sqrt(), (1 - alphas).sqrt()
        ratio = alphas / (1 - alphas)
        # Expressed as an error of the clean latent, the weight is min(SNR + 1, gamma): min-SNR (Hang et al. 2023) with 1
        # added, as in v-prediction. Without the 1, the noisy end, where a 16x16 latent's composition is decided, would weigh
        # next to nothing.
        self.weight = (ratio + 1).clamp(max=choices.snr_gamma) / (ratio + 1)
        self.weight = self.weight / self.weight.mean()
        self.whitening = whitening
        whitening.attach_to(unet)
        self.models: dict[str, nn.Module] = {"unet": unet, "whitening": whitening}
        self.features = features
        if features is not None:
            self.alignment = Alignment(unet, [maps.shape[1] for maps in features.batch(np.zeros(1, np.int64))])
            self.models["alignment"] = self.alignment
        self.trained = [*unet.parameters(), *(self.alignment.parameters() if features is not None else ())]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "unet": torch.optim.AdamW(
                self.trained,
                lr=choices.learning_rate,
                betas=(0.9, 0.99),
                weight_decay=choices.weight_decay,
                fused=True,
            )
        }

    def _draw_texts(self, numbers: np.ndarray, step: int) -> list[str]:
        draw = random.Random(f"{self.seed}/{step}/texts")
        chosen = []
        for number in numbers:
            empty = draw.random() < self.choices.empty_probability
            chosen.append("" if empty else draw.choice(self.texts[int(number)]))
        return chosen

    def _draw_times(self, count: int) -> torch.Tensor:
        """Draws timesteps [count], stratified over the batch, which lowers the loss's variance at no cost."""
        share = self.choices.focused_share
        place = ((torch.arange(count) + torch.rand(count)) / count).clamp(1e-6, 1 - 1e-6)
        normal = torch.special.ndtri(((place - (1 - share)) / max(share, 1e-6)).clamp(1e-6, 1 - 1e-6))
        focused = torch.sigmoid(self.choices.focus + self.choices.focus_deviation * normal)
        chosen = torch.where(place < 1 - share, place / max(1 - share, 1e-6), focused)
        return (chosen * len(self.signal)).long().clamp(0, len(self.signal) - 1)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the U-Net and, with alignment, of the projections of its hidden maps."""
        numbers = self.order.at(step)
        states = self.whitening(torch.from_numpy(self.states.states(self._draw_texts(numbers, step))))
        mean = self.mean[numbers]
        latents = mean + self.deviation[numbers] * torch.randn_like(mean)
        count = len(numbers)
        times = self._draw_times(count)
        noise = torch.randn_like(latents)
        a, b = (table[times][:, None, None, None] for table in (self.signal, self.noise))
        noisy, target = a * latents + b * noise, a * noise - b * latents
        made = self.unet(noisy, times, states).sample
        error = (made - target).square().mean(dim=(1, 2, 3))
        loss = (error * self.weight[times]).mean()
        losses = {"loss": loss.item(), "v_error": error.mean().item()}
        if self.features is not None:
            distance = self.alignment(self.features.batch(numbers)).mean()
            losses["alignment"] = distance.item()
            loss = loss + self.choices.alignment_weight * (1 - progress) * distance
        optimizer = self.optimizers["unet"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        optimizer.step()
        return {**losses, "gradient": float(norm)}
