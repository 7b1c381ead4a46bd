"""The training task of pocket's denoiser: v-prediction on latents, conditioned on texts and on a few works of its memory."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn
from torch.nn import functional

from impasto.checkpoints.memory import MemoryEncoder
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.alignment import Alignment
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import make_schedule
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.data import PocketData
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.optimizers import make_optimizers

LongTexts = Callable[[np.ndarray, int], torch.Tensor]  # pictures, step -> states [n, tokens, width]
LOW_NOISE = 150  # timesteps below this: there a model that copies does better on its training pictures


def halved_latents(latents: torch.Tensor) -> torch.Tensor:
    """Returns latents [n, c, h / 2, w / 2] of the same pictures at half the side.

    The autoencoder is scale-equivariant (EQ-VAE): means of 2x2 latents are about the latents of the reduced picture. They
    are doubled, so that a timestep hides as much of the layout at either size: the mean of four noise values has half their
    deviation. Published low-cost runs learn at a small size first, too (PixArt, MicroDiT).
    """
    return 2 * functional.avg_pool2d(latents, 2)


class PocketTask:
    """Trains on batches of noised latents, with texts and works drawn for each batch; logs the losses.

    All pictures of a batch have the same number of works and texts of the same length. Since these are drawn per batch, no
    masks are needed.
    """

    averaged: Sequence[str] = ("unet", "memory")

    def __init__(
        self,
        unet: UNet2DConditionModel,
        memory: MemoryEncoder,
        whitening: TextWhitening,
        data: PocketData,
        choices: PocketChoices,
        machine: Machine,
        *,
        seed: int,
        long_texts: LongTexts | None = None,
    ) -> None:
        """Sets up the task. Weights stay in fp32 on the machine's device; computations use its autocast type."""
        self.choices, self.machine, self.seed, self.long_texts = choices, machine, seed, long_texts
        self.data = data.to(machine.device)
        module: Any = unet
        module.to(machine.device).to(memory_format=torch.channels_last)
        self.unet = unet.train()
        if machine.plain_attention:
            self.unet.set_attn_processor(AttnProcessor())
        self.memory, self.whitening = memory.to(machine.device).train(), whitening.to(machine.device)
        self.whitening.attach_to(self.unet)
        self.models: dict[str, nn.Module] = {"unet": self.unet, "memory": self.memory, "whitening": self.whitening}
        self.alignment: Alignment | None = None
        if self.data.features:
            widths = [part.shape[1] for part in self.data.features]
            self.alignment = Alignment(self.unet, widths, kernel=3).to(machine.device)
            self.models["alignment"] = self.alignment
        self.trained = [p for model in self.models.values() for p in model.parameters() if p.requires_grad]
        self.optimizers = make_optimizers(self.models, choices)
        self.order = ShuffledOrder(len(self.data), choices.batch, seed)
        alphas: torch.Tensor = make_schedule(choices.unet).alphas_cumprod.to(machine.device)
        self.signal, self.noise = alphas.sqrt(), (1 - alphas).sqrt()
        self.forward: Any = self._predict
        if choices.compiled:
            self.compile()

    def compile(self, backend: str = "inductor") -> None:
        """Compiles the U-Net's step as one graph for contexts of all lengths."""
        self.forward = torch.compile(self._predict, backend=backend)

    def forget_compiled(self) -> None:
        """Discards the compiled graph and continues without it."""
        torch._dynamo.reset()
        self.forward = self._predict
        if self.alignment is not None:
            self.alignment.forget()

    @property
    def is_compiled(self) -> bool:
        return self.forward != self._predict

    def set_batch(self, batch: int) -> None:
        """Sets another batch size, before the first step; the learning rates scale with its square root."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] *= (batch / self.choices.batch) ** 0.5
        self.choices = replace(self.choices, batch=batch)
        self.order = ShuffledOrder(len(self.data), batch, self.seed)

    def _predict(
        self, noisy: torch.Tensor, times: torch.Tensor, context: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Returns the U-Net's v and the hidden maps for the alignment, so that a compiled graph has no side effects."""
        made = self.unet(noisy, times, context, return_dict=False)[0]
        return made, () if self.alignment is None else self.alignment.take()

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Trains on one batch; losses are read from the device only every `log_every` steps, which saves waiting."""
        draw = random.Random(f"{self.seed}/{step}/pocket")
        small = progress < self.choices.small_until
        places = self.order.at(step, self.choices.small_batch if small else None)
        numbers = torch.from_numpy(places).to(self.machine.device, non_blocking=True)  # a plain copy waits for the device
        mirrored = torch.rand(len(numbers), device=numbers.device) < 0.5
        latents = self.data.latents_of(numbers, mirrored)
        latents = halved_latents(latents) if small else latents
        times, noise = self._times(len(numbers)), torch.randn_like(latents)
        noisy, target = self._noised(latents, noise, times)
        context, works = self._context(places, numbers, draw, step)
        if self.is_compiled:  # one graph for all lengths, with works or without
            context = context if context.requires_grad else context.requires_grad_()
            torch._dynamo.maybe_mark_dynamic(context, 1)
        with self.machine.autocast():
            made, hidden = self.forward(noisy, times, context)
        errors = (made.float() - target).square().mean(dim=(1, 2, 3))
        loss = total = errors.mean()
        distance: torch.Tensor | None = None
        aligned = self.alignment is not None and progress < self.choices.alignment_until
        if self.alignment is not None and aligned:
            with self.machine.autocast():
                maps = self.data.features_of(numbers, mirrored)
                maps = [functional.avg_pool2d(part, 2) for part in maps] if small else maps
                apart = self.alignment(maps, hidden).float().mean()
            total, distance = total + self.choices.alignment_weight * apart, apart
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        for optimizer in self.optimizers.values():
            optimizer.step()
        if (step + 1) % self.choices.log_every:
            return {}
        figures = {"loss": float(loss.detach()), "gradient": float(norm), "works": float(works), "side": latents.shape[3]}
        if distance is not None:
            figures["alignment"] = float(distance.detach())
        return figures

    def batch_at(self, progress: float) -> int:
        """Returns the pictures of a step when this share of the run is done."""
        return self.choices.small_batch if progress < self.choices.small_until else self.choices.batch

    def _noised(
        self, latents: torch.Tensor, noise: torch.Tensor, times: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns (x_t, v): Salimans and Ho 2022, appendix D."""
        a, b = (table[times][:, None, None, None] for table in (self.signal, self.noise))
        return (a * latents + b * noise).contiguous(memory_format=torch.channels_last), a * noise - b * latents

    def _times(self, count: int) -> torch.Tensor:
        """Draws timesteps [count]: logit-normal (Esser et al. 2024) but for a uniform share, stratified over the batch."""
        device, share = self.machine.device, self.choices.time_uniform
        place = ((torch.arange(count, device=device) + torch.rand(count, device=device)) / count).clamp(1e-6, 1 - 1e-6)
        normal = torch.special.ndtri(((place - share) / (1 - share)).clamp(1e-6, 1 - 1e-6))
        focused = torch.sigmoid(self.choices.time_focus + self.choices.time_deviation * normal)
        chosen = torch.where(place < share, place / max(share, 1e-6), focused)
        return (chosen * len(self.signal)).long().clamp(0, len(self.signal) - 1)

    def _context(
        self, places: np.ndarray, numbers: torch.Tensor, draw: random.Random, step: int
    ) -> tuple[torch.Tensor, int]:
        """Returns the cross-attention's context [n, tokens + works, width], and the number of works in it."""
        choices, data = self.choices, self.data
        counts = [count for count, _ in choices.memory_shares]
        works = draw.choices(counts, [share for _, share in choices.memory_shares])[0]
        if self.long_texts is not None and draw.random() < choices.long_share:
            states = self.long_texts(places, step).to(numbers.device).float()
            empty = self.long_texts(places[:0], step).to(numbers.device).float()
        else:
            picked = torch.randint(data.variants.shape[1], (len(numbers),), device=numbers.device)
            states = data.states[data.variants[numbers, picked]].float()
            empty = data.states[data.empty][None].float()
        silent = torch.rand(len(numbers), device=numbers.device)
        silent = silent < (choices.silent_share if works else choices.silent_alone_share)
        states = torch.where(silent.view(-1, 1, 1), empty, states)
        states = self.whitening(states)
        if not works:
            return states, 0
        codes = data.codes[self._works(numbers, works, draw)].float()
        codes = codes + choices.memory_noise * torch.randn_like(codes)
        with self.machine.autocast():
            tokens = self.memory(codes).float()
        return torch.cat([states, tokens], dim=1), works

    def _works(self, numbers: torch.Tensor, count: int, draw: random.Random) -> torch.Tensor:
        """Draws the works for each picture, int64 [n, count], from its nearest neighbours."""
        choices, data = self.choices, self.data
        by_text = draw.random() < choices.by_text_share
        table = data.by_text if by_text else data.by_features
        among = min(choices.neighbours, table.shape[1])
        order = torch.rand(len(numbers), among, device=numbers.device).argsort(dim=1)
        if among < count:
            order = order.repeat(1, -(-count // among))
        found = table[numbers].gather(1, order[:, :count])
        own = torch.rand(len(numbers), device=numbers.device) < choices.own_share
        found[:, 0] = torch.where(own, numbers, found[:, 0])
        return found

    @contextmanager
    def _judging(self) -> Iterator[None]:
        self.unet.eval()
        with torch.inference_mode(), self.machine.autocast() if self.machine.mixed else nullcontext():
            yield
        self.unet.train()

    def gap(self, count: int = 256) -> dict[str, float]:
        """Returns the low-noise loss of trained and of held-out pictures, with the empty text: copying shows as a gap.

        Every call uses the same pictures, noise and timesteps; the state of torch's generators is restored.
        """
        if self.data.held_out is None:
            return {}
        found = {}
        with torch.random.fork_rng(), self._judging():
            count = min(count, len(self.data), len(self.data.held_out))
            kept = self.data.latents[0, :count].float() * self.data.latent_scale.view(1, -1, 1, 1)
            for name, latents in (("low_noise_trained", kept), ("low_noise_held_out", self.data.held_out[:count].float())):
                torch.manual_seed(0)
                times = torch.randint(LOW_NOISE, (count,), device=latents.device)
                noisy, target = self._noised(latents, torch.randn_like(latents), times)
                states = self.whitening(self.data.states[self.data.empty].float()[None]).expand(count, -1, -1)
                made = self._predict(noisy, times, states)[0]
                found[name] = float((made.float() - target).square().mean())
                found[name] = round(found[name], 5)
        return found
