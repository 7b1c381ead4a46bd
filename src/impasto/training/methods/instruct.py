"""The training task of instructions (InstructPix2Pix, Brooks et al. 2023): the U-Net sees the picture that is to change."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import instruct_channels, only_edits
from impasto.data.caches.latents import TextStates
from impasto.errors import UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.instruct_pairs import InstructPairs
from impasto.training.losses.diffusion import Noise
from impasto.training.methods.fine_tuning import FineTuningTask, Told
from impasto.training.methods.instruct_choices import InstructChoices


class SeeingUNet(nn.Module):
    """A U-Net that takes a picture beside the latents; called as a U-Net of the latents alone.

    Attributes:
        unet: the U-Net, with twice as many input channels as the latents have.
        shown: latents [n, c, h, w] of the pictures at hand, not scaled, or one for all; None for no picture, which is zeros.
    """

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet
        self.shown: torch.Tensor | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The U-Net's config, with the channels of the latents."""
        return {**self.unet.config, "in_channels": int(self.unet.config["out_channels"])}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.unet.device

    @property
    def dtype(self) -> torch.dtype:
        """The U-Net's precision."""
        return self.unet.dtype

    def set_attn_processor(self, processor: Any) -> None:
        """Sets the U-Net's attention."""
        self.unet.set_attn_processor(processor)

    def enable_gradient_checkpointing(self) -> None:
        """Computes the activations twice."""
        self.unet.enable_gradient_checkpointing()

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, **named: Any) -> Any:
        """Returns the U-Net's output for the latents and the pictures."""
        shown = torch.zeros_like(noisy[:1]) if self.shown is None else self.shown.to(noisy)
        if len(shown) != len(noisy):
            shown = shown.expand(len(noisy), -1, -1, -1)
        return self.unet(torch.cat([noisy, shown], dim=1), times, states, **named)


def seeing(components: Components) -> Components:
    """Returns the components with a `SeeingUNet` in place of the U-Net; the given ones are not changed.

    A U-Net of the latents alone is widened; one that follows instructions already is taken as it is.

    Raises:
        UsageError: it is a U-Net for inpainting.
    """
    unet: Any = components.unet
    channels, latents = int(unet.config["in_channels"]), int(components.vae.config["latent_channels"])
    if channels not in (latents, instruct_channels(latents)):
        raise UsageError(f"{components.name} {only_edits(channels, latents)}; train a text-to-image one")
    joined: Any = SeeingUNet(widened(unet) if channels == latents else unet)
    return replace(components, unet=joined)


def widened(unet: Any) -> Any:
    """Returns a copy of a U-Net whose first convolution takes as many channels more, with weights of zero (Brooks et al.
    2023, section 3.2): whatever the picture is, it answers as before.
    """
    channels = int(unet.config["in_channels"])
    state = dict(unet.state_dict())
    weight = state["conv_in.weight"]
    state["conv_in.weight"] = torch.cat([weight, torch.zeros_like(weight)], dim=1)
    made = type(unet).from_config({**unet.config, "in_channels": 2 * channels})
    made.load_state_dict(state)
    return nn.Module.to(made, unet.device, unet.dtype)  # diffusers' own would warn of every change of precision


class InstructTask(FineTuningTask):
    """Trains a U-Net to follow instructions by the checkpoint's own loss."""

    def __init__(
        self,
        components: Components,
        pairs: InstructPairs,
        states: TextStates,
        choices: InstructChoices,
        processes: Processes,
        *,
        seed: int,
    ) -> None:
        """Takes the arguments of `FineTuningTask`; `components` are those of `seeing`.

        Raises:
            UsageError: the batch cannot be shared among the processes.
        """
        self._inputs, self._dropout = pairs.inputs, choices.condition_dropout
        self._shown = torch.zeros(0)
        super().__init__(components, pairs.edited, states, choices, processes, seed=seed)

    def draw_texts(self, numbers: np.ndarray, step: int) -> list[str]:
        """Draws an instruction for each pair of a step's batch; some are left out."""
        draw = random.Random(f"{self.seed}/{step}/texts")
        chosen = [draw.choice(self.data.texts[int(number)]) for number in numbers]
        return ["" if left else text for text, (left, _) in zip(chosen, self.left_out(len(numbers), step), strict=True)]

    def left_out(self, count: int, step: int) -> list[tuple[bool, bool]]:
        """Draws for each pair of a batch whether it is learned without its instruction, and without its picture.

        With p = `condition_dropout`, p of them lack the instruction alone, p the picture alone, and p both.
        """
        draw, share = random.Random(f"{self.seed}/{step}/conditions"), self._dropout
        places = [draw.random() for _ in range(count)]
        return [(place < 2 * share, share <= place < 3 * share) for place in places]

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the optimizer over one batch; see `FineTuningTask.step`."""
        numbers = self.order.at(step)
        hidden = [picture for _, picture in self.left_out(len(numbers), step)]
        self._shown = _shown(self._inputs, numbers, hidden)[self._own]
        return super().step(step, progress)

    def _learn(self, latents: torch.Tensor, told: Told, drawn: Noise, shares: torch.Tensor) -> torch.Tensor:
        joined: Any = self.components.unet
        joined.shown, self._shown = self._shown[: len(latents)].to(latents.device), self._shown[len(latents) :]
        try:
            return super()._learn(latents, told, drawn, shares)
        finally:
            joined.shown = None


def _shown(inputs: Sequence[np.ndarray], numbers: np.ndarray, hidden: Sequence[bool]) -> torch.Tensor:
    pictures = torch.from_numpy(np.stack([inputs[int(number)] for number in numbers]))
    pictures[torch.tensor(hidden, dtype=torch.bool)] = 0
    return pictures
