"""The training task of fine-tuning a checkpoint: its U-Net, its text encoder, or both, whole or as a LoRA."""

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
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
from impasto.training.examples.shown_works import ShownWorks
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.optimizers import make_optimizer
from impasto.training.loop.steps import ShuffledOrder
from impasto.training.losses.diffusion import DiffusionLoss, Noise
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.prompt_model import Trained

# Padding as in pocket's own training (`PocketChoices`): at least 24 tokens, and all of the encoder's, as in painting, in a
# tenth of the batches.
SHORT_TOKENS, LONG_SHARE = 24, 0.1
BANDS = 4  # bands of timesteps whose errors are reported separately: from nearly clean to nearly noise


class Order(Protocol):
    """Interface of a data order: returns the pictures of each step. `count` pictures, `batch` per step, are an epoch."""

    count: int
    batch: int

    def at(self, step: int) -> np.ndarray: ...


def choose_weights(components: Components, choices: FineTuning) -> None:
    """Marks every weight as trained or frozen (`requires_grad`), and adds a LoRA to the U-Net if the choices ask for one.

    torch's generator draws the initial LoRA.
    """
    unet, encoder = components.unet, components.text_encoder
    unet.requires_grad_(choices.trained != "text-encoder" and not choices.lora_rank)
    encoder.requires_grad_(choices.trained != "unet")
    pooler: nn.Module | None = getattr(encoder, "pooler", None)
    if pooler is not None:  # the states do not pass through it, and processes would wait for its gradients
        pooler.requires_grad_(False)
    if choices.lora_rank:
        from peft import LoraConfig

        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        unet.add_adapter(LoraConfig(r=choices.lora_rank, lora_alpha=choices.lora_rank, target_modules=targets))


def set_up(
    components: Components, choices: FineTuning, choose: Callable[[Components, FineTuning], None] = choose_weights
) -> dict[str, nn.Module]:
    """Prepares U-Net and text encoder for training; returns those of them that have weights to train."""
    choose(components, choices)
    components.unet.train()
    # Without the encoder's dropout: noise that one process draws and another does not would make their losses differ.
    components.text_encoder.eval()
    few_tokens = is_small(choices.size or components.default_size)
    if few_tokens and choices.precision == "bf16" and components.unet.device.type == "cpu":
        _take_plain_attention(components)
    if choices.gradient_checkpointing:
        components.unet.enable_gradient_checkpointing()
    parts = {"unet": components.unet, "text_encoder": components.text_encoder}
    return {name: module for name, module in parts.items() if _trains(module)}


def _take_plain_attention(components: Components) -> None:
    """Sets attention to two plain matrix products, for few tokens on a CPU in bf16.

    The gradients of torch's fused kernel do not use the CPU's matrix units. A step of pocket's U-Net takes 0.34 s with plain
    attention and 0.46 s with the fused kernel, a step of MiniLM 0.33 s and 0.57 s.
    """
    from diffusers.models.attention_processor import AttnProcessor

    components.unet.set_attn_processor(AttnProcessor())
    if isinstance(components.text_encoder, PreTrainedModel):
        components.text_encoder.set_attn_implementation("eager")


def pads_to_batch(components: Components, choices: FineTuning) -> bool:
    """Returns whether texts are padded to the longest of their batch, as short as that is.

    `auto`: only for checkpoints like pocket, small and with a text encoder that masks its padding, so that a token's state
    does not depend on the padding behind it. Their own training padded so too. CLIP's states of the padding are part of what
    a U-Net of Stable Diffusion has learned.
    """
    if choices.text_padding != "auto":
        return choices.text_padding == "batch"
    masks: bool = getattr(components.text_encoder.config, "use_attention_mask", False)
    return masks and is_small(choices.size or components.default_size)


def padded_length(longest: int) -> int:
    """Returns the number of tokens that a batch is padded to if its longest text has `longest` tokens."""
    return max(SHORT_TOKENS, -(-longest // 8) * 8)


@dataclass(frozen=True)
class Told:
    """What the U-Net is told of a part of a batch.

    Attributes:
        texts: a text for each picture.
        length: the number of tokens that the texts are padded to; None for all of the encoder's.
        works: tokens of works of the checkpoint's memory, [n, works, width]; None for no work.
    """

    texts: list[str]
    length: int | None = None
    works: torch.Tensor | None = None


class FineTuningTask:
    """Trains by the checkpoint's own loss (`DiffusionLoss`) on cached posteriors.

    If the text encoder is frozen, the text states are cached too.
    """

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
        works: ShownWorks | None = None,
    ) -> None:
        """Sets up the task. A batch is `choices.batch` pictures.

        Args:
            components: the checkpoint's parts, in fp32; the trained parts are changed.
            states: the text states of `data.all_texts`, if the text encoder is not trained.
            order: the order of the pictures; default: all of them, shuffled in every epoch.
            importance: the weight of each picture's error in the mean over a batch, float32 [n]; default: 1.
            choose: marks the weights that are trained.
            works: the works of the checkpoint's memory that the U-Net sees beside the texts; None: it sees none.

        Raises:
            UsageError: the batch cannot be shared among the processes; aspect buckets with another order.
        """
        self.components, self.data, self.states, self.works = components, data, states, works
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
        self._pads_to_batch = pads_to_batch(components, choices)
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
        """Draws a text for each picture of a step's batch, some of them empty."""
        draw = random.Random(f"{self.seed}/{step}/texts")
        chosen = []
        for number in numbers:
            empty = draw.random() < self.choices.text_dropout
            chosen.append("" if empty else draw.choice(self.data.texts[int(number)]))
        return chosen

    def step(self, step: int, progress: float) -> dict[str, float]:
        """Runs one step of the optimizer over one batch.

        Every process draws the whole batch's noise and takes its own part, so that the loss does not depend on the number
        of processes.
        """
        del progress
        numbers = self.order.at(step)
        texts = self.draw_texts(numbers, step)
        mean, deviation = (torch.from_numpy(values) for values in self.data.posteriors(numbers))
        length = self._length(texts, step)
        drawn = self.loss.draw(mean.shape)
        latents = mean + deviation * torch.randn(mean.shape)
        counts = self.loss.weights(drawn.times) * self._importance[numbers] / len(numbers)
        own = range(len(numbers))[self._own]
        size = len(own) // self.choices.accumulation or 1
        parts = [slice(start, start + size) for start in range(own.start, own.stop, size)]
        # The gradients are averaged over the processes, while each computes a sum: so multiply by their number.
        shares = counts * self.processes.count
        tokens = None if self.works is None else self.works.tokens(numbers, step)
        found = []
        for place, part in enumerate(parts):
            with nullcontext() if place + 1 == len(parts) else self.processes.apart(*self._wrapped):
                told = Told(texts[part], length, None if tokens is None else tokens[part])
                found.append(self._learn(latents[part], told, drawn.of(part), shares[part]))
        norm = self.processes.clip(self.parameters, self.choices.gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)  # now and not at the next step: painting before it needs the memory
        errors = self.processes.gathered(torch.cat(found)).cpu()
        weighted = (errors * counts).sum().item()
        return {"loss": weighted, "gradient": norm, **self._by_band(errors, drawn.times)}

    def _learn(self, latents: torch.Tensor, told: Told, drawn: Noise, shares: torch.Tensor) -> torch.Tensor:
        """Computes gradients of a part of the batch, with errors weighted by `shares`; returns the errors, float32 [n]."""
        device = self.processes.device
        latents, drawn = latents.to(device), Noise(drawn.noise.to(device), drawn.times.to(device))
        with self.processes.mixed_precision():  # also for the one of the two that is frozen
            states = self._states_of(told).to(device)
            made = self._unet(self.loss.noised(latents, drawn), drawn.times, states).sample
        errors = self.loss.errors(made.float(), latents, drawn)
        self.processes.backward((errors * shares.to(device)).sum())
        return errors.detach()

    def _length(self, texts: list[str], step: int) -> int | None:
        """Returns the number of tokens that all texts of a step are padded to; None for all of the encoder's."""
        if not self._pads_to_batch or random.Random(f"{self.seed}/{step}/padding").random() < LONG_SHARE:
            return None
        return padded_length(self.components.count_tokens(texts))

    def _states_of(self, told: Told) -> torch.Tensor:
        """Returns the texts' token states, followed by the works' tokens as in painting: [n, length + works, width]."""
        if self.states is not None:
            states = torch.from_numpy(self.states.states(told.texts)[:, : told.length])
        else:
            numbers, mask = self.components.text_inputs(told.texts)
            mask = mask if mask is None else mask[:, : told.length]
            states = self._encoder(numbers[:, : told.length], attention_mask=mask)[0]
        return states if told.works is None else torch.cat([states, told.works.to(states)], dim=1)

    def _by_band(self, errors: torch.Tensor, times: torch.Tensor) -> dict[str, float]:
        """Returns the mean error of each band of timesteps that the batch contains."""
        bands = times * BANDS // int(self.loss.scheduler.config.num_train_timesteps)
        return {f"error_{band}": errors[bands == band].mean().item() for band in range(BANDS) if (bands == band).any()}


def _trains(module: nn.Module) -> bool:
    return any(weight.requires_grad for weight in module.parameters())
