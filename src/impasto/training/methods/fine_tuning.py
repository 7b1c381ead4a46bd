"""The task of retraining a checkpoint: its U-Net, its text encoder, or both, whole or as a LoRA, on a training set."""

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import is_small
from impasto.data.caches.latents import TextStates
from impasto.errors import UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples.aspect_buckets import BucketedOrder
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.optimizers import make_optimizer
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.diffusion import DiffusionLoss, Noise
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.prompt_model import Trained

BANDS = 4  # of timesteps, whose errors are told apart: from nearly clean to nearly noise


class Order(Protocol):
    """Which pictures a step learns; `count` pictures, `batch` a step, are an epoch."""

    count: int
    batch: int

    def at(self, step: int) -> np.ndarray: ...


def choose_weights(components: Components, choices: FineTuning) -> None:
    """Says of every weight whether it is trained (`requires_grad`), and puts a LoRA around the U-Net where one is asked for;
    its beginning is drawn from torch's generator."""
    unet, encoder = components.unet, components.text_encoder
    unet.requires_grad_(choices.trained != "text-encoder" and not choices.lora_rank)
    encoder.requires_grad_(choices.trained != "unet")
    pooler: nn.Module | None = getattr(encoder, "pooler", None)
    if pooler is not None:  # the states do not go through it, and processes wait for every weight's gradient
        pooler.requires_grad_(False)
    if choices.lora_rank:
        from peft import LoraConfig

        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        unet.add_adapter(LoraConfig(r=choices.lora_rank, lora_alpha=choices.lora_rank, target_modules=targets))


def set_up(
    components: Components, choices: FineTuning, choose: Callable[[Components, FineTuning], None] = choose_weights
) -> dict[str, nn.Module]:
    """Makes U-Net and text encoder ready for training; returns those of them that have weights to train."""
    choose(components, choices)
    components.unet.train()
    # Without its dropout: noise that one process draws and another does not would make their losses differ.
    components.text_encoder.eval()
    few_tokens = is_small(choices.size or components.default_size)
    if few_tokens and choices.precision == "bf16" and components.unet.device.type == "cpu":
        _take_plain_attention(components)
    if choices.gradient_checkpointing:
        components.unet.enable_gradient_checkpointing()
    parts = {"unet": components.unet, "text_encoder": components.text_encoder}
    return {name: module for name, module in parts.items() if _trains(module)}


def _take_plain_attention(components: Components) -> None:
    """Attention in two matrix products, for few tokens on a CPU in bf16.

    The gradients of torch's fused kernel do not use the CPU's matrix units: a step of pocket's U-Net takes 0.34 s with it
    replaced and 0.46 s without, one of MiniLM 0.33 s and 0.57 s.
    """
    from diffusers.models.attention_processor import AttnProcessor

    components.unet.set_attn_processor(AttnProcessor())
    if isinstance(components.text_encoder, PreTrainedModel):
        components.text_encoder.set_attn_implementation("eager")


class FineTuningTask:
    """A checkpoint's own loss (`DiffusionLoss`) on cached posteriors and, where the text encoder rests, on cached states."""

    def __init__(
        self,
        components: Components,
        data: TrainingSet,
        states: TextStates | None,
        choices: FineTuning,
        processes: Processes,
        *,
        seed: int,
        order: Order | None = None,
        importance: torch.Tensor | None = None,
        choose: Callable[[Components, FineTuning], None] = choose_weights,
    ) -> None:
        """A batch is `choices.batch` pictures.

        Args:
            components: in fp32; what is trained of them is changed.
            states: of `data.all_texts`, where the text encoder is not trained.
            order: of the pictures; all of them, shuffled in every epoch, if not given.
            importance: how much each picture's error counts in the mean over a batch, float32 [n]; 1 if not given.
            choose: marks the weights that are trained.

        Raises:
            UsageError: the batch cannot be shared among the processes; aspect buckets with another order.
        """
        self.components, self.data, self.states = components, data, states
        self.choices, self.processes, self.seed = choices, processes, seed
        self.loss = DiffusionLoss(
            components.scheduler_config,
            snr_gamma=choices.snr_gamma or None,
            noise_offset=choices.noise_offset,
            timestep_bias=choices.timestep_bias,
        )
        if choices.aspect_buckets and order is not None:
            raise UsageError("aspect_buckets: this recipe has an order of its own, and takes squares")
        if choices.aspect_buckets:
            order = BucketedOrder(data.buckets(), choices.batch, seed)
        self.order: Order = order or ShuffledOrder(len(data.entries), choices.batch, seed)
        self._importance = torch.ones(len(data.entries)) if importance is None else importance
        self._own = processes.part(choices.batch)
        torch.manual_seed(seed)
        self._trained = {name: Trained(module) for name, module in set_up(components, choices, choose).items()}
        self.models: dict[str, nn.Module] = dict(self._trained)
        self.averaged: Sequence[str] = tuple(self.models) if choices.ema_decay else ()
        self.parameters = [weight for trained in self._trained.values() for weight in trained.weights]
        optimizer = make_optimizer(choices.optimizer, self.parameters, choices.learning_rate, choices.weight_decay)
        self._unet: Any = components.unet
        self._encoder: Any = components.text_encoder
        for module in (self._unet, self._encoder):
            module.to(processes.device)
        prepared = processes.prepare(*(module for module in (self._unet, self._encoder) if _trains(module)), optimizer)
        *wrapped, self._optimizer = prepared if isinstance(prepared, tuple | list) else (prepared,)
        self._wrapped = list(wrapped)
        if _trains(self._unet):
            self._unet = wrapped.pop(0)
        if _trains(self._encoder) and wrapped:
            self._encoder = wrapped.pop(0)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"trained": self._optimizer}

    def draw_texts(self, numbers: np.ndarray, step: int) -> list[str]:
        """A text for each picture of a step's batch, some of them empty."""
        draw = random.Random(f"{self.seed}/{step}/texts")
        chosen = []
        for number in numbers:
            empty = draw.random() < self.choices.text_dropout
            chosen.append("" if empty else draw.choice(self.data.texts[int(number)]))
        return chosen

    def step(self, step: int, progress: float) -> dict[str, float]:
        """One step of the optimizer over one batch.

        Every process draws the whole batch's noise and takes its own part, so that the loss does not depend on how many
        there are.
        """
        del progress
        numbers = self.order.at(step)
        texts = self.draw_texts(numbers, step)
        mean, deviation = (torch.from_numpy(values) for values in self.data.posteriors(numbers))
        drawn = self.loss.draw(mean.shape)
        latents = mean + deviation * torch.randn(mean.shape)
        counts = self.loss.weights(drawn.times) * self._importance[numbers] / len(numbers)
        own = range(len(numbers))[self._own]
        size = len(own) // self.choices.accumulation or 1
        parts = [slice(start, start + size) for start in range(own.start, own.stop, size)]
        # A mean over the processes comes of each one's own sum.
        shares = counts * self.processes.count
        found = []
        for place, part in enumerate(parts):
            with nullcontext() if place + 1 == len(parts) else self.processes.apart(*self._wrapped):
                found.append(self._learn(latents[part], texts[part], drawn.of(part), shares[part]))
        norm = self.processes.clip(self.parameters, self.choices.gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)  # not at the next step: pictures are painted before it, and take memory
        errors = self.processes.gathered(torch.cat(found)).cpu()
        weighted = (errors * counts).sum().item()
        return {"loss": weighted, "gradient": norm, **self._by_band(errors, drawn.times)}

    def _learn(
        self, latents: torch.Tensor, texts: list[str], drawn: Noise, shares: torch.Tensor
    ) -> torch.Tensor:
        """Gradients of a part of the batch, whose errors are added up by their shares; the errors, float32 [n]."""
        device = self.processes.device
        latents, drawn = latents.to(device), Noise(drawn.noise.to(device), drawn.times.to(device))
        with self.processes.mixed_precision():  # also for the one of the two that rests
            states = self._states_of(texts).to(device)
            made = self._unet(self.loss.noised(latents, drawn), drawn.times, states).sample
        errors = self.loss.errors(made.float(), latents, drawn)
        self.processes.backward((errors * shares.to(device)).sum())
        return errors.detach()

    def _states_of(self, texts: list[str]) -> torch.Tensor:
        if self.states is not None:
            return torch.from_numpy(self.states.states(texts))
        numbers, mask = self.components.text_inputs(texts)
        return self._encoder(numbers, attention_mask=mask)[0]

    def _by_band(self, errors: torch.Tensor, times: torch.Tensor) -> dict[str, float]:
        """Mean error of each band of timesteps that the batch has."""
        bands = times * BANDS // int(self.loss.scheduler.config.num_train_timesteps)
        return {f"error_{band}": errors[bands == band].mean().item() for band in range(BANDS) if (bands == band).any()}


def _trains(module: nn.Module) -> bool:
    return any(weight.requires_grad for weight in module.parameters())
