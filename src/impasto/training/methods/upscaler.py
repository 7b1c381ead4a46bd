"""The upscaler's training task: L1 loss, then also perceptual loss, finally weak adversarial loss (Real-ESRGAN's order)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from impasto.checkpoints.upscaler.compact import CompactShape, CompactUpscaler
from impasto.data.caches.pixels import Pixels
from impasto.training.examples.upscaler_pairs import draw_pairs
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.adversary import PatchDiscriminator, PerceptualDistance, discriminator_loss
from impasto.training.pocket.machine import Machine


@dataclass(frozen=True)
class UpscalerChoices:
    """The network's shape and the weights of the losses.

    The `..._from` fields are shares of the run: the losses that cost most time are added last.
    """

    shape: CompactShape = field(default_factory=lambda: CompactShape(features=64, convolutions=12, scale=2))
    crop: int = 80
    batch: int = 10
    learning_rate: float = 1e-3
    perceptual_from: float = 0.5
    adversarial_from: float = 0.75
    perceptual_weight: float = 0.03
    adversarial_weight: float = 0.08


@torch.no_grad()
def make_upscaler(shape: CompactShape) -> CompactUpscaler:
    """Makes an upscaler that begins as a smooth interpolation: every layer passes its input on, with a little noise.

    A few hundred steps are not enough to train ten layers with random weights to pass a picture through.
    """
    network = CompactUpscaler(shape)
    convolutions = [cast(nn.Conv2d, layer) for layer in network.body if isinstance(layer, nn.Conv2d)]
    first, *inner, last = convolutions
    nn.init.kaiming_normal_(first.weight, a=0.25)
    first.weight[:3] = nn.init.dirac_(torch.empty(3, 3, 3, 3))
    for layer in inner:
        handed_on = nn.init.dirac_(torch.empty_like(layer.weight))
        nn.init.normal_(layer.weight, std=0.25 / (9 * shape.features) ** 0.5)
        layer.weight += handed_on
        layer.weight[:3] = handed_on[:3]
    nn.init.zeros_(last.weight)
    for layer in convolutions:
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    # Bilinear interpolation minus the nearest pixel, which the network adds by itself.
    for y in range(shape.scale):
        for x in range(shape.scale):
            kernel = _bilinear(y, shape.scale)[:, None] * _bilinear(x, shape.scale)[None, :]
            kernel[1, 1] -= 1
            for colour in range(3):
                last.weight[(colour * shape.scale + y) * shape.scale + x, colour] = kernel
    return network


def _bilinear(place: int, scale: int) -> torch.Tensor:
    """Returns the weights [3] of the pixels before, at and after, for the new pixel `place` of `scale`."""
    offset = (place + 0.5) / scale - 0.5
    return torch.tensor([max(0.0, -offset), 1 - abs(offset), max(0.0, offset)])


def to_unit(squares: np.ndarray) -> torch.Tensor:
    """Converts uint8 [n, h, w, 3] to float [n, 3, h, w] in 0..1, with the channels last in memory."""
    return torch.from_numpy(np.array(squares)).permute(0, 3, 1, 2).float().div_(255)


class UpscalerTask:
    """Trains on crops of `pixels`; their halved and degraded versions are drawn anew each time."""

    averaged: Sequence[str] = ("upscaler",)

    def __init__(
        self, upscaler: CompactUpscaler, pixels: Pixels, choices: UpscalerChoices, machine: Machine, *, seed: int
    ) -> None:
        """Sets up the task. `machine` determines the device and whether products are computed in bf16.

        Raises:
            MissingPart: the perceptual loss is used, and its packages are not installed.
        """
        self.choices, self.pixels, self.machine = choices, pixels, machine
        device = machine.device
        self.upscaler = upscaler.to(device, memory_format=torch.channels_last).train()  # pyright: ignore[reportCallIssue]
        self.discriminator = PatchDiscriminator().to(device)
        self.models: dict[str, nn.Module] = {"upscaler": self.upscaler, "discriminator": self.discriminator}
        rate = choices.learning_rate
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "upscaler": torch.optim.AdamW(upscaler.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True),
            "discriminator": torch.optim.AdamW(
                self.discriminator.parameters(), lr=rate / 3, betas=(0.5, 0.99), weight_decay=0.0, fused=True
            ),
        }
        self.perceptual = PerceptualDistance().to(device) if choices.perceptual_weight > 0 else None
        self.order = ShuffledOrder(len(pixels.entries), choices.batch, seed)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the upscaler and, once the adversarial loss is used, of the discriminator."""
        choices = self.choices
        draw = random.Random(int(torch.randint(0, 2**62, ()).item()))
        large, small = draw_pairs(self.pixels.batch(self.order.at(step)), choices.crop, choices.shape.scale, draw)
        real, given = to_unit(large).to(self.machine.device), to_unit(small).to(self.machine.device)
        with self.machine.autocast():
            made = self.upscaler(given).float()
        near = F.l1_loss(made, real)
        losses = {"pixel": near.item()}
        if self.perceptual is not None and progress >= choices.perceptual_from:
            with self.machine.autocast():
                distance = self.perceptual(made * 2 - 1, real * 2 - 1).float()
            near = near + choices.perceptual_weight * distance
            losses["perceptual"] = distance.item()
        total = near
        if progress >= choices.adversarial_from and choices.adversarial_weight > 0:
            with self.machine.autocast():
                deceit = -self.discriminator(made * 2 - 1).float().mean()
            # Esser et al. 2020, equation 7, on the picture itself: the adversarial gradient is as large as the rest.
            pull = torch.autograd.grad(near, made, retain_graph=True)[0].norm()
            push = torch.autograd.grad(deceit, made, retain_graph=True)[0].norm()
            total = total + choices.adversarial_weight * (pull / (push + 1e-6)).clamp(0, 1e3) * deceit
            losses["deceit"] = deceit.item()
        optimizer = self.optimizers["upscaler"]
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.upscaler.parameters(), 1.0)
        optimizer.step()
        if progress >= choices.adversarial_from - 0.05 and choices.adversarial_weight > 0:
            losses["discriminator"] = self._train_discriminator(real * 2 - 1, made.detach() * 2 - 1)
        return losses

    def _train_discriminator(self, real: torch.Tensor, made: torch.Tensor) -> float:
        with self.machine.autocast():
            loss = discriminator_loss(self.discriminator(real).float(), self.discriminator(made).float())
        optimizer = self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()


@torch.inference_mode()
def upscale_squares(upscaler: CompactUpscaler, squares: np.ndarray, *, batch: int = 16) -> np.ndarray:
    """Upscales uint8 [n, h, w, 3] to uint8 [n, scale * h, scale * w, 3]."""
    device = next(upscaler.parameters()).device
    parts = []
    for start in range(0, len(squares), batch):
        made = upscaler(to_unit(squares[start : start + batch]).to(device)).clamp(0, 1).mul(255).round()
        parts.append(made.byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)
