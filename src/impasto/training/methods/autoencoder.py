"""The autoencoder's training task: pictures to latents with f = 8 and back (section 2.2 of wu2022, 3.2.1 of wang2023)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.autoencoders.vq_model import VQModel
from torch.nn import functional as F

from impasto.errors import UsageError
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.adversary import PatchDiscriminator, PerceptualDistance, discriminator_loss
from impasto.training.losses.linear_path import open_linear_path
from impasto.training.losses.scale_equivariance import turned_and_resized
from impasto.training.pocket.machine import PLAIN_CPU, Machine


@dataclass(frozen=True)
class AutoencoderChoices:
    """The autoencoder's shape, the batch sizes and the weights of the losses. Small crops come first, whole pictures last.

    The `..._from` fields are shares of the run: the losses that cost most time are added last.

    The papers' autoencoder has resnet and self-attention blocks, and names both a KL loss and vector quantisation (section
    2.2 of wu2022, 3.2.1 of wang2023), which in Rombach et al. 2021 are two kinds of autoencoder. So are they here. Pocket's
    has no attention: on its small latents that costs time and was not missed.

    Attributes:
        regularisation: "kl": a Gaussian posterior near the normal distribution; "vq": the codes of a codebook.
        codebook: number of codes, for "vq".
        attention: self-attention at the lowest resolution of encoder and decoder.
    """

    latent_channels: int = 8
    block_out_channels: tuple[int, ...] = (16, 32, 96, 192)
    norm_groups: int = 4
    crop: int = 64
    crop_batch: int = 8
    picture_batch: int = 3
    whole_from: float = 0.8
    perceptual_from: float = 0.3
    adversarial_from: float = 0.75
    learning_rate: float = 8e-4
    kl_weight: float = 5e-4
    perceptual_weight: float = 0.25
    adversarial_weight: float = 0.15
    equivariant: bool = False  # half the steps decode turned and resized latents, see `turned_and_resized`
    log_every: int = 1  # in steps; reading the losses waits for the device
    regularisation: Literal["kl", "vq"] = "kl"
    codebook: int = 1024
    attention: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError if a value is invalid."""
        if self.regularisation not in ("kl", "vq"):
            raise UsageError(f"regularisation {self.regularisation!r}: use kl or vq")
        if not 2 <= self.codebook <= 65_536:
            raise UsageError(f"codebook {self.codebook}: use 2 to 65536 codes")
        if self.regularisation == "vq" and self.equivariant:
            raise UsageError("equivariant is for kl: a resized latent is no code of a codebook")


def make_autoencoder(choices: AutoencoderChoices, size: int) -> AutoencoderKL:
    """Makes an `AutoencoderKL` that begins as a blur, for pictures of `size` px.

    Pictures are [3, size, size], latents [channels, size / 8, size / 8].
    """
    levels = len(choices.block_out_channels)
    build: Any = AutoencoderKL  # diffusers types its tuples as tuples of one
    autoencoder: AutoencoderKL = build(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=choices.block_out_channels,
        layers_per_block=1,
        latent_channels=choices.latent_channels,
        norm_num_groups=choices.norm_groups,
        sample_size=size,
        scaling_factor=1.0,
        mid_block_add_attention=choices.attention,
    )
    open_linear_path(autoencoder)
    return autoencoder


def to_tensor(squares: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Converts uint8 [n, h, w, 3] to float [n, 3, h, w] in [-1, 1]; a tensor stays on its device."""
    pictures = squares if isinstance(squares, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(squares))
    return pictures.permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def posterior_of(autoencoder: AutoencoderKL, pictures: torch.Tensor) -> DiagonalGaussianDistribution:
    """Returns the posterior over latents [n, c, h / 8, w / 8] of pictures [n, 3, h, w] in [-1, 1]."""
    return cast(DiagonalGaussianDistribution, autoencoder.encode(pictures, return_dict=False)[0])


def decode(autoencoder: AutoencoderKL | VQModel, latents: torch.Tensor) -> torch.Tensor:
    """Decodes latents [n, c, h, w] to pictures [n, 3, 8 h, 8 w], about in [-1, 1]."""
    return cast(torch.Tensor, autoencoder.decode(latents, return_dict=False)[0])  # pyright: ignore[reportArgumentType]


def latents_of(autoencoder: AutoencoderKL | VQModel, pictures: torch.Tensor) -> torch.Tensor:
    """Returns latents [n, c, h / 8, w / 8]: the posterior's mean, or what a codebook's codes will replace."""
    found = autoencoder.encode(pictures, return_dict=False)[0]  # pyright: ignore[reportArgumentType]
    return found.mean if isinstance(found, DiagonalGaussianDistribution) else cast(torch.Tensor, found)


class Squares(Protocol):
    """Interface of pictures of one size: `Pixels`, or pictures in a device's memory."""

    @property
    def height(self) -> int: ...

    def __len__(self) -> int: ...

    def batch(self, numbers: np.ndarray) -> np.ndarray | torch.Tensor:
        """Returns the pictures `numbers`, uint8 [n, height, height, 3]."""
        ...


class AutoencoderTask:
    """Trains with reconstruction + perceptual + KL + adversarial loss. With `decoder_only`, latents do not change."""

    averaged: Sequence[str] = ("autoencoder",)

    def __init__(
        self,
        autoencoder: AutoencoderKL | VQModel,
        pixels: Squares,
        choices: AutoencoderChoices,
        *,
        seed: int,
        perceptual: bool = True,
        decoder_only: bool = False,
        machine: Machine = PLAIN_CPU,
    ) -> None:
        """Sets up the task. Weights stay in fp32 on the machine's device; computations use its autocast type."""
        self.choices, self.pixels, self.decoder_only = choices, pixels, decoder_only
        self.seed, self.machine = seed, machine
        torch.nn.Module.to(autoencoder, machine.device)
        self.autoencoder = autoencoder.train()
        self.discriminator = PatchDiscriminator().to(machine.device)
        self.models: dict[str, torch.nn.Module] = {
            "autoencoder": self.autoencoder,
            "discriminator": self.discriminator,
        }
        if decoder_only:
            autoencoder.encoder.requires_grad_(False)
            if autoencoder.quant_conv is not None:
                autoencoder.quant_conv.requires_grad_(False)
        self.trained = [p for p in autoencoder.parameters() if p.requires_grad]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "autoencoder": torch.optim.AdamW(
                self.trained, lr=choices.learning_rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True
            ),
            "discriminator": torch.optim.AdamW(
                self.discriminator.parameters(), lr=choices.learning_rate / 2, betas=(0.5, 0.99), fused=True
            ),
        }
        self.perceptual = PerceptualDistance().to(machine.device) if perceptual else None
        self.crops = ShuffledOrder(len(pixels), choices.crop_batch, seed)
        self.wholes = ShuffledOrder(len(pixels), choices.picture_batch, seed + 1)

    def _pictures(self, step: int, progress: float) -> torch.Tensor:
        """Returns a batch in [-1, 1], mirrored at random: crops at first, whole pictures towards the end."""
        size, crop = self.pixels.height, self.choices.crop
        whole = progress >= self.choices.whole_from or size <= crop
        squares = torch.as_tensor(self.pixels.batch((self.wholes if whole else self.crops).at(step)))
        squares = squares.to(self.machine.device, non_blocking=True)
        count, device = len(squares), squares.device
        if not whole:
            corners = torch.randint(0, size - crop + 1, (count, 2), device=device)
            rows, columns = (corners[:, axis, None] + torch.arange(crop, device=device) for axis in (0, 1))
            numbers = torch.arange(count, device=device)
            squares = squares[numbers[:, None, None], rows[:, :, None], columns[:, None, :]]
        batch = to_tensor(squares)
        mirrored = torch.rand(count, device=device) < 0.5
        return torch.where(mirrored[:, None, None, None], batch.flip(-1), batch)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the autoencoder and, once the adversarial loss is used, of the discriminator."""
        with self.machine.autocast():
            total, losses, pictures, made = self._losses(step, progress)
        optimizer = self.optimizers["autoencoder"]
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        optimizer.step()
        if progress >= self.choices.adversarial_from - 0.03 and self.choices.adversarial_weight > 0:
            losses["discriminator"] = self._train_discriminator(pictures, made.detach())
        if (step + 1) % self.choices.log_every:
            return {}
        return {name: loss.item() for name, loss in losses.items()}

    def _losses(
        self, step: int, progress: float
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """Returns the total loss, its parts, the pictures and their reconstructions."""
        choices = self.choices
        pictures = self._pictures(step, progress)
        made, pictures, latent_losses = self._reconstructed(pictures, step)
        pixel = F.l1_loss(made, pictures) + F.mse_loss(made, pictures)
        near = pixel
        losses = {"pixel": pixel.detach(), **{name: loss.detach() for name, (_, loss) in latent_losses.items()}}
        if self.perceptual is not None and progress >= choices.perceptual_from:
            distance = self.perceptual(made, pictures)
            near = near + choices.perceptual_weight * distance
            losses["perceptual"] = distance.detach()
        total = near + sum(weight * loss for weight, loss in latent_losses.values())
        playing = progress >= choices.adversarial_from and choices.adversarial_weight > 0
        if playing:
            deceit = -self.discriminator(made).float().mean()
            # Esser et al. 2020, equation 7: at the last layer the adversarial loss weighs as much as the rest.
            last = self.autoencoder.decoder.conv_out.weight
            pull = torch.autograd.grad(near, last, retain_graph=True)[0].norm()
            push = torch.autograd.grad(deceit, last, retain_graph=True)[0].norm()
            balance = (pull / (push + 1e-4)).clamp(0, 1e4).detach()
            total = total + choices.adversarial_weight * balance * deceit
            losses["deceit"] = deceit.detach()
        return total, losses, pictures, made

    def _reconstructed(
        self, pictures: torch.Tensor, step: int
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, tuple[float, torch.Tensor]]]:
        """Returns reconstructions, the pictures that they should be, and the losses on the latents with their weights."""
        model = cast(AutoencoderKL, self.autoencoder)
        with torch.set_grad_enabled(not self.decoder_only):
            posterior = DiagonalGaussianDistribution(posterior_of(model, pictures).parameters.float())
            latents = posterior.sample()
        kl = posterior.kl().mean() / latents[0].numel()
        if self.choices.equivariant:
            latents, pictures = turned_and_resized(latents, pictures, random.Random(f"{self.seed}/{step}/turned"))
        return decode(model, latents).float(), pictures, {"kl": (self.choices.kl_weight, kl)}

    def _train_discriminator(self, pictures: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        with self.machine.autocast():
            loss = discriminator_loss(self.discriminator(pictures).float(), self.discriminator(made).float())
        optimizer = self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()


@torch.no_grad()
def normalise_latents(autoencoder: AutoencoderKL, squares: np.ndarray, *, by_effect: bool = True, batch: int = 64) -> None:
    """Normalises every latent channel to mean 0 and a deviation of 1, or with `by_effect` one that reflects its effect.

    It works in place.

    Over `squares` (uint8 [n, h, w, 3]) the channel that changes the decoded picture most gets deviation 1, the others the
    cube root of their share of its mean squared effect. With 1 for all of them a denoiser would spend most of its loss on
    the texture channels: 5 of pocket's 8 together hold 2 % of a picture's variance and are nearly white noise. With smaller
    deviations they drown in the noise early, so the composition is learned first and painted first.

    The numbers are folded into the 1x1 convolutions around the latents, and the config's scaling factor is 1. Plain
    diffusers pipelines can read this form.
    """
    device = autoencoder.device
    means = [
        posterior_of(autoencoder, to_tensor(squares[i : i + batch]).to(device)).mean for i in range(0, len(squares), batch)
    ]
    latents = torch.cat(means)
    _fold(autoencoder, latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3)))
    if by_effect:
        effect = decoder_effect(autoencoder, to_tensor(squares[:batch]).to(device))
        _fold(autoencoder, torch.zeros_like(effect), (effect / effect.max()).clamp(min=1e-3).pow(-1 / 3))
    autoencoder.register_to_config(scaling_factor=1.0)


@torch.no_grad()
def decoder_effect(autoencoder: AutoencoderKL, pictures: torch.Tensor, step: float = 0.1) -> torch.Tensor:
    """Returns each latent channel's effect [c]: the decoded pictures' mean squared change when it gets noise.

    The noise has deviation `step` and is added to that channel alone.
    """
    latents = posterior_of(autoencoder, pictures).mean
    still = decode(autoencoder, latents)
    noise = step * torch.randn(latents[:, 0].shape, generator=torch.Generator().manual_seed(0)).to(latents.device)
    effects = []
    for channel in range(latents.shape[1]):
        moved = latents.clone()
        moved[:, channel] += noise
        effects.append((decode(autoencoder, moved) - still).square().mean())
    return torch.stack(effects)


def _fold(autoencoder: AutoencoderKL, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    """Folds the change to (latents - mean) / deviation, per channel [c], into both the encoder and the decoder."""
    inward, outward = autoencoder.quant_conv, autoencoder.post_quant_conv
    assert inward is not None and outward is not None and inward.bias is not None and outward.bias is not None
    channels = len(mean)
    inward.weight[:channels] /= deviation[:, None, None, None]
    inward.bias[:channels] = (inward.bias[:channels] - mean) / deviation
    inward.bias[channels:] -= 2 * deviation.log()
    outward.bias += outward.weight[:, :, 0, 0] @ mean
    outward.weight *= deviation[None, :, None, None]


def peak_signal_to_noise(real: np.ndarray, made: np.ndarray) -> float:
    """Returns the PSNR in dB over all pixels of two uint8 arrays of one shape (peak 255)."""
    error = np.square(real.astype(np.float64) - made.astype(np.float64)).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


@torch.no_grad()
def reconstruct(autoencoder: AutoencoderKL | VQModel, squares: np.ndarray, *, batch: int = 32) -> np.ndarray:
    """Reconstructs pictures uint8 [n, h, w, 3], as uint8 [n, h, w, 3]: through the posterior's mean, or through codes."""
    parts = []
    for start in range(0, len(squares), batch):
        pictures = to_tensor(squares[start : start + batch]).to(autoencoder.device)
        made = decode(autoencoder, latents_of(autoencoder, pictures))
        parts.append(made.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)
