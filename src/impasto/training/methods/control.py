"""The training task of a ControlNet (Zhang et al. 2023): a copy of the U-Net's encoder learns to follow a map."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from impasto.adapters.control.nets import convolutions_config, make_controlnet
from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.training.distributed.processes import Processes
from impasto.training.examples.control_maps import ControlMaps, as_hint
from impasto.training.examples.redrawn import redraw_some
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.progress import Progress, no_report
from impasto.training.losses.diffusion import Noise
from impasto.training.losses.map_consistency import MapReader, clean_latents, misread, train_reader
from impasto.training.methods.control_choices import ControlChoices
from impasto.training.methods.fine_tuning import FineTuningTask, Told
from impasto.training.methods.fine_tuning_choices import FineTuning


class JoinedControl(nn.Module):
    """A frozen U-Net and the ControlNet that is trained with it; called as the U-Net is.

    Attributes:
        net: the ControlNet.
        shown: the maps [n, 3, H, W] of the pictures at hand, or one for all; None for the U-Net alone.
    """

    def __init__(self, unet: Any, net: Any) -> None:
        super().__init__()
        self.unet, self.net = unet.requires_grad_(False), net
        self.shown: torch.Tensor | None = None

    @property
    def config(self) -> Any:
        """The U-Net's config."""
        return self.unet.config

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.unet.device

    @property
    def dtype(self) -> torch.dtype:
        """The U-Net's precision."""
        return self.unet.dtype

    def set_attn_processor(self, processor: Any) -> None:
        """Sets the attention of both."""
        self.unet.set_attn_processor(processor)
        self.net.set_attn_processor(processor)

    def enable_gradient_checkpointing(self) -> None:
        """Computes the activations of both twice."""
        self.unet.enable_gradient_checkpointing()
        self.net.enable_gradient_checkpointing()

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, **named: Any) -> Any:
        """Returns the U-Net's output with the ControlNet's maps added."""
        if self.shown is None:
            return self.unet(noisy, times, states, **named)
        shown = self.shown.to(noisy.device)
        if len(shown) != len(noisy):
            shown = shown.expand(len(noisy), -1, -1, -1)
        down, middle = self.net(noisy, times, states, shown, return_dict=False)
        return self.unet(noisy, times, states, down_block_additional_residuals=down,
                         mid_block_additional_residual=middle, **named)  # fmt: skip


def join(components: Components, choices: ControlChoices) -> Components:
    """Returns the components with a `JoinedControl` in place of the U-Net; the given ones are not changed."""
    bare = choices.layers == "convolutions"
    net: Any = make_controlnet(components.unet, convolutions_config(components.unet.config) if bare else None)
    net.requires_grad_(True)
    if choices.layers != "all":
        for name, weight in net.named_parameters():
            weight.requires_grad_(is_light(name))
    joined: Any = JoinedControl(components.unet, net)
    return replace(components, unet=joined)


def is_light(name: str) -> bool:
    """Returns whether `light` and `convolutions` train this weight: convolutions, their norms, what the encoder lacks."""
    return not any(part in name for part in (".attentions.", "time_emb", "add_embedding", "class_embedding"))


class ControlTask(FineTuningTask):
    """Trains a ControlNet by the checkpoint's own loss, with maps of the pictures."""

    def __init__(
        self,
        components: Components,
        data: TrainingSet,
        states: TextStates,
        maps: ControlMaps,
        choices: ControlChoices,
        processes: Processes,
        *,
        seed: int,
        on_progress: Progress = no_report,
    ) -> None:
        """Takes the arguments of `FineTuningTask`; `components` are those of `join`, `maps` those of `data.entries`.

        Raises:
            UsageError: the batch cannot be shared among the processes.
        """
        self._maps, self._redrawn, self._consistency = maps, choices.redrawn, choices.consistency
        self._reader = _reader(components, data, maps, seed, on_progress) if choices.consistency else None
        self._misread: list[float] = []
        self._numbers, self._step = np.zeros(0, int), 0
        super().__init__(components, data, states, choices, processes, seed=seed, choose=_leave)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the optimizer over one batch; see `FineTuningTask.step`."""
        self._numbers, self._step = self.order.at(step)[self._own], step
        self._misread = []
        figures = super().step(step, progress)
        return {**figures, "misread": float(np.mean(self._misread))} if self._misread else figures

    def _learn(self, latents: torch.Tensor, told: Told, drawn: Noise, shares: torch.Tensor) -> torch.Tensor:
        joined: Any = self.components.unet
        numbers, self._numbers = self._numbers[: len(latents)], self._numbers[len(latents) :]
        seeds = [(self.seed, self._step, int(number)) for number in numbers]
        asked = self._maps.batch(numbers)
        joined.shown = as_hint(redraw_some(asked, self._redrawn, seeds)).to(latents.device)
        try:
            if self._reader is None:
                return super()._learn(latents, told, drawn, shares)
            return self._learn_reading(latents, told, drawn, shares, as_hint(asked))
        finally:
            joined.shown = None

    def _learn_reading(
        self, latents: torch.Tensor, told: Told, drawn: Noise, shares: torch.Tensor, asked: torch.Tensor
    ) -> torch.Tensor:
        """As `_learn`, with how badly the asked maps are read from the predicted clean latents."""
        reader: Any = self._reader
        device = self.processes.device
        latents, drawn = latents.to(device), Noise(drawn.noise.to(device), drawn.times.to(device))
        noised = self.loss.noised(latents, drawn)
        with self.processes.mixed_precision():
            made = self._unet(noised, drawn.times, self._states_of(told).to(device)).sample
        errors = self.loss.errors(made.float(), latents, drawn)
        alphas = self.loss.scheduler.alphas_cumprod.to(device)[drawn.times]
        predicted = clean_latents(made.float(), noised, alphas, self.loss.prediction)
        read = misread(reader.to(device), predicted, asked.to(device))
        self.processes.backward(((errors + self._consistency * read) * shares.to(device)).sum())
        self._misread.append(float(read.detach().mean()))
        return errors.detach()


def _reader(
    components: Components, data: TrainingSet, maps: ControlMaps, seed: int, on_progress: Progress
) -> MapReader:
    """Trains a reader of these maps on the pictures' latents."""
    channels = int(components.vae.config["latent_channels"])

    def batch(numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        mean, _ = data.posteriors(numbers)
        return torch.from_numpy(mean), as_hint(maps.batch(numbers))

    latents, shown = batch(np.zeros(1, int))
    factor = shown.shape[-1] // latents.shape[-1]
    return train_reader(batch, len(data.entries), channels, factor, seed,
                        lambda n, of: on_progress("learning to read maps", n / of, {}))  # fmt: skip


def _leave(components: Components, choices: FineTuning) -> None:
    """Leaves the weights as `join` has marked them."""
    del choices
    components.text_encoder.requires_grad_(False)
