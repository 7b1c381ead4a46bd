"""The training task of pocket's decoder: decodes latents as a denoiser predicts them into pictures, brushwork included."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.nn import functional as F

from impasto.checkpoints.size import latent_factor
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.adversary import PatchDiscriminator, PerceptualDistance, discriminator_loss
from impasto.training.methods.autoencoder import decode, to_tensor
from impasto.training.pocket.decoder_pairs import DecoderPairs
from impasto.training.pocket.machine import Machine


@dataclass(frozen=True)
class DecoderChoices:
    """The batch sizes and the weights of the losses.

    Attributes:
        crop, margin: latents across a crop, and the width of the border that the loss ignores where the picture continues.
        crop_batch, picture_batch: crops per step; whole pictures per step in the last part of the run, from `whole_from` on.
        true_share: the share of latents that are true ones.
        blur, noise: the most that true latents are blurred (share) and noised (deviation) if there is no denoiser.
        coarse: side in pixels of the block means by which pictures are compared: invented detail need not match.
        pixel_weight: weight of the pixel-wise loss, which is computed on true latents only.
        adversarial_from, adversarial_full: the shares of the run at which the adversarial loss sets in and has full weight.
        discriminator_lead: the share of the run that the discriminator trains before the adversarial loss sets in.
    """

    crop: int = 8
    margin: int = 1
    crop_batch: int = 6
    picture_batch: int = 1
    whole_from: float = 0.85
    true_share: float = 0.3
    blur: float = 0.7
    noise: float = 0.2
    coarse: int = 4
    pixel_weight: float = 0.3
    perceptual_weight: float = 0.5
    adversarial_weight: float = 0.25
    adversarial_from: float = 0.15
    adversarial_full: float = 0.35
    discriminator_lead: float = 0.05
    learning_rate: float = 5e-4


class PocketDecoderTask:
    """Trains the decoder with losses on means of 4x4 px and on a classifier's features, and an adversarial loss.

    The adversary is a patch discriminator. The encoder does not change, and so neither do the latents.
    """

    averaged: Sequence[str] = ("autoencoder",)

    def __init__(
        self,
        autoencoder: AutoencoderKL,
        pairs: DecoderPairs,
        choices: DecoderChoices,
        machine: Machine,
        *,
        seed: int,
        perceptual: bool = True,
    ) -> None:
        self.choices, self.pairs, self.machine = choices, pairs, machine
        torch.nn.Module.to(autoencoder, machine.device)
        self.autoencoder = autoencoder.train().requires_grad_(False)
        self.autoencoder.decoder.requires_grad_(True)
        if self.autoencoder.post_quant_conv is not None:
            self.autoencoder.post_quant_conv.requires_grad_(True)
        self.trained = [p for p in autoencoder.parameters() if p.requires_grad]
        self.discriminator = PatchDiscriminator().to(machine.device)
        self.models: dict[str, torch.nn.Module] = {
            "autoencoder": self.autoencoder,
            "discriminator": self.discriminator,
        }
        rate = choices.learning_rate
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "autoencoder": torch.optim.AdamW(self.trained, lr=rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True),
            "discriminator": torch.optim.AdamW(self.discriminator.parameters(), lr=rate / 2, betas=(0.5, 0.99), fused=True),
        }
        self.perceptual = PerceptualDistance().to(machine.device) if perceptual else None
        self.factor = latent_factor(autoencoder.config)
        count = len(pairs.pixels.entries)
        self.crops = ShuffledOrder(count, choices.crop_batch, seed)
        self.wholes = ShuffledOrder(count, choices.picture_batch, seed + 1)

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the decoder and, once the adversarial loss is used, of the discriminator."""
        choices, device = self.choices, self.machine.device
        whole = progress >= choices.whole_from
        numbers = (self.wholes if whole else self.crops).at(step)
        latents, pictures, is_true = self._batch(numbers)
        cores = [(0, 0)] * len(numbers)
        crop = choices.crop
        if not whole and latents.shape[-1] > crop:
            latents, pictures, cores = self._cropped(latents, pictures)
        with self.machine.autocast():
            decoded = decode(self.autoencoder, latents.to(device)).float()
        side = pictures.shape[-1]
        made = torch.stack([one[:, y : y + side, x : x + side] for one, (y, x) in zip(decoded, cores, strict=True)])
        pictures, is_true = pictures.to(device), is_true.to(device)
        near = F.l1_loss(F.avg_pool2d(made, choices.coarse), F.avg_pool2d(pictures, choices.coarse))
        losses = {"coarse": near.item()}
        if is_true.any():
            pixel = F.l1_loss(made[is_true], pictures[is_true])
            near = near + choices.pixel_weight * pixel * is_true.float().mean()
            losses["pixel"] = pixel.item()
        if self.perceptual is not None:
            with self.machine.autocast():
                distance = self.perceptual(made, pictures).float()
            near = near + choices.perceptual_weight * distance
            losses["perceptual"] = distance.item()
        pull = torch.autograd.grad(near, made)[0]
        span = max(choices.adversarial_full - choices.adversarial_from, 1e-9)
        weight = choices.adversarial_weight * min(1.0, max(0.0, (progress - choices.adversarial_from) / span))
        if weight > 0:
            held = made.detach().requires_grad_(True)
            with self.machine.autocast():
                deceit = -self.discriminator(held).float().mean()
            push = torch.autograd.grad(deceit, held)[0]
            pull = pull + weight * self._balance(made, pull, push) * push
            losses["deceit"] = deceit.item()
        optimizer = self.optimizers["autoencoder"]
        optimizer.zero_grad(set_to_none=True)
        made.backward(pull)
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        optimizer.step()
        if choices.adversarial_weight > 0 and progress >= choices.adversarial_from - choices.discriminator_lead:
            losses["discriminator"] = self._train_discriminator(pictures, made.detach())
        return losses

    def _balance(self, made: torch.Tensor, pull: torch.Tensor, push: torch.Tensor) -> torch.Tensor:
        """Returns the adversarial weight of Esser et al. 2020, equation 7: as much weight as the rest at the last layer."""
        last = self.autoencoder.decoder.conv_out.weight
        sizes = [torch.autograd.grad(made, last, one, retain_graph=True)[0].norm() for one in (pull, push)]
        return (sizes[0] / (sizes[1] + 1e-4 * sizes[0] + 1e-12)).detach()

    def _batch(self, numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns latents [n, c, h, w], pictures [n, 3, H, W] in [-1, 1], which latents are true [n]; mirrored at random."""
        pairs, choices = self.pairs, self.choices
        pictures = to_tensor(pairs.pixels.batch(numbers))
        mirrored, is_true = torch.rand(len(numbers)) < 0.5, torch.rand(len(numbers)) < choices.true_share
        pictures[mirrored] = pictures[mirrored].flip(-1)
        true = torch.from_numpy(pairs.true[numbers, mirrored.numpy().astype(np.int64)].astype(np.float32))
        if pairs.answers is None:
            other = self._worn(true)
        else:
            which = 2 * torch.randint(pairs.answers.shape[1] // 2, (len(numbers),)) + mirrored.long()
            other = torch.from_numpy(pairs.answers[numbers, which.numpy()].astype(np.float32))
        return torch.where(is_true.view(-1, 1, 1, 1), true, other), pictures, is_true

    def _worn(self, latents: torch.Tensor) -> torch.Tensor:
        """Returns true latents blurred and noised, each by its own amount: somewhat like a denoiser's predictions."""
        blur, noise = (most * torch.rand(len(latents), 1, 1, 1) for most in (self.choices.blur, self.choices.noise))
        smooth = F.avg_pool2d(F.pad(latents, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        return latents.lerp(smooth, blur) + noise * torch.randn_like(latents)

    def _cropped(
        self, latents: torch.Tensor, pictures: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, list[tuple[int, int]]]:
        """Returns crops of the latents and of the pictures without the margin, and their place in the decoded crop (px)."""
        crop, margin, factor = self.choices.crop, self.choices.margin, self.factor
        core = crop - 2 * margin
        room = torch.tensor(latents.shape[2:]) - core + 1
        corners = (torch.rand(len(latents), 2) * room).long().tolist()
        most = [int(side) - crop for side in latents.shape[2:]]
        parts, wanted, places = [], [], []
        for one, picture, (y, x) in zip(latents, pictures, corners, strict=True):
            top, left = min(max(y - margin, 0), most[0]), min(max(x - margin, 0), most[1])
            parts.append(one[:, top : top + crop, left : left + crop])
            end_y, end_x = (y + core) * factor, (x + core) * factor
            wanted.append(picture[:, y * factor : end_y, x * factor : end_x])
            places.append(((y - top) * factor, (x - left) * factor))
        return torch.stack(parts), torch.stack(wanted), places

    def _train_discriminator(self, pictures: torch.Tensor, made: torch.Tensor) -> float:
        with self.machine.autocast():
            real, false = self.discriminator(pictures).float(), self.discriminator(made).float()
        loss: Any = discriminator_loss(real, false)
        optimizer = self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()
