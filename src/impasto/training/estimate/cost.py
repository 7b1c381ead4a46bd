"""Estimates the memory and disk use of a retraining in advance, from the checkpoint's shapes, without its weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.latents import TEXTS_AT_ONCE
from impasto.training.estimate.op_costs import OpCosts, memory_saving_attention
from impasto.training.estimate.step_costs import OptimizerCosts, StepCosts
from impasto.training.examples.training_set import pictures_at_once
from impasto.training.methods.fine_tuning_choices import FineTuning

# The memory of Python, torch, diffusers, transformers and accelerate on Linux on a CPU before there is a tensor, and of
# oneDNN and the tokenizer once they run. It is measured from the rows of pocket in `benchmarks/training_memory.py`, where it
# is most of the total.
PROCESS = 570 * 2**20
# The extra share of the memory that a step allocates and frees: the C library's allocator cannot join free memory that is in
# many pieces. It is the median over the rows of that table.
SLACK = 0.10
# oneDNN uses its own memory layout for a convolution's weights and for their gradient: the number of copies of the largest
# weight.
REORDERED = 2


@dataclass(frozen=True)
class Memory:
    """Bytes that one process needs.

    Attributes:
        process: Python and its libraries.
        weights: the weights of the parts that a step uses, fp32.
        resting: the VAE and, if its states are cached, the text encoder, kept for the checkpoint that will be written.
        gradients, optimizer, averages: of the trained weights.
        activations: what a forward pass keeps for its backward pass.
        data: latents, and token states of the texts.
        training: the peak of training. It is less than the sum: gradients grow as activations are freed.
        encoding: the peak while pictures and texts are encoded.
        painting: the peak while validation pictures are painted.
    """

    process: int
    weights: int
    resting: int
    gradients: int
    optimizer: int
    averages: int
    activations: int
    data: int
    training: int
    encoding: int
    painting: int

    @property
    def peak(self) -> int:
        """The peak of the whole run."""
        return max(self.training, self.encoding, self.painting)


@dataclass(frozen=True)
class Disk:
    """Bytes in the run's folder: a state (two of them for a moment, while one replaces the other), and the output."""

    state: int
    made: int


@dataclass(frozen=True)
class EncodingCosts:
    """The cost of encoding one batch of pictures and one of texts, besides the weights.

    Attributes:
        weights: bytes of all parts of the checkpoint together, fp32.
        pictures, texts: how many a batch has.
        picture_costs, text_costs: the costs of one batch.
        decoding: bytes that the VAE and one picture need while it is painted.
    """

    weights: int
    pictures: int
    texts: int
    picture_costs: OpCosts
    text_costs: OpCosts
    decoding: int

    @property
    def peak(self) -> int:
        """The peak bytes in use besides the weights."""
        return max(self.picture_costs.peak, self.text_costs.peak)


def count_encoding(components: Components, *, side: int) -> EncodingCosts:
    """Counts the cost of one batch of pictures of `side` px and one of texts; `components` are on the meta device."""
    pictures = pictures_at_once(side)
    vae: Any = components.vae
    with torch.device("meta"), torch.no_grad(), memory_saving_attention():
        batch = torch.empty(pictures, 3, side, side)
        with OpCosts() as picture_costs:
            vae.encode(batch)
        tokens = torch.zeros(TEXTS_AT_ONCE, components.max_tokens, dtype=torch.long)
        with OpCosts() as text_costs:
            components.text_encoder(tokens)
        latent_side = side // latent_factor(vae.config)
        latents = torch.empty(1, components.unet.config["in_channels"], latent_side, latent_side)
        with OpCosts() as painting:
            vae.decode(latents)
    weights = sum(size_of(module) for module in (components.unet, components.vae, components.text_encoder))
    decoding = size_of(components.vae) + painting.peak
    return EncodingCosts(weights, pictures, TEXTS_AT_ONCE, picture_costs, text_costs, decoding)


def resting_bytes(components: Components, choices: FineTuning) -> int:
    """Returns the bytes of the parts that are stored in fp16 while others are trained (`rest_encoders`)."""
    resting: list[nn.Module] = [components.vae] if choices.validation_pictures or not choices.lora_rank else []
    if choices.trained == "unet" and not choices.lora_rank:
        resting.append(components.text_encoder)
    return sum(size_of(module) for module in resting) // 2


def memory_of(
    step: StepCosts,
    optimizer: OptimizerCosts,
    choices: FineTuning,
    *,
    encoding: int = 0,
    decoding: int = 0,
    resting: int = 0,
    data: int = 0,
    on_gpu: bool = False,
) -> Memory:
    """Returns the memory of a run with these costs per step.

    `encoding` is the bytes in use while encoding, weights included. `decoding` is the bytes that painting takes besides what
    is in use between two steps. With `on_gpu` the GPU's memory is counted: it holds neither resting parts nor data nor the
    process, and an optimizer that is not fused works there on all tensors together.
    """
    process = 0 if on_gpu else PROCESS
    resting, data = (0, 0) if on_gpu else (resting, data)
    state = int(optimizer.state * step.trained)
    averages = 4 * step.trained if choices.ema_decay else 0
    worked_on = step.trained if on_gpu else step.largest
    kernels = 0 if on_gpu else REORDERED * step.largest_weight
    moment = max((1 + SLACK) * step.peak + kernels, step.gradients + optimizer.work * worked_on)
    between = process + step.weights + resting + state + averages + data
    return Memory(
        process=process,
        weights=step.weights,
        resting=resting,
        gradients=step.gradients,
        optimizer=state,
        averages=averages,
        activations=step.kept,
        data=data,
        training=int(between + moment),
        encoding=int(process + encoding + data) if encoding else 0,
        painting=between + decoding if decoding else 0,
    )


def disk_of(
    step: StepCosts, optimizer: OptimizerCosts, choices: FineTuning, written: Sequence[nn.Module],
    guide: nn.Module | None = None,
) -> Disk:
    """Returns the disk use of a run: states hold weights, optimizer and averages in fp32, a checkpoint its parts in fp16.

    `written` are the parts of the checkpoint that will be written, unless a LoRA is written; `guide` is written in int8.
    """
    state = (4 + optimizer.state + (4 if choices.ema_decay else 0)) * step.trained
    made = 4 * step.trained if choices.lora_rank else sum(map(size_of, written)) // 2
    made += size_of(guide) // 4 if guide is not None else 0
    return Disk(int(state), made)


def size_of(module: nn.Module) -> int:
    """Returns the bytes of a module's weights and buffers."""
    return sum(weight.nbytes for weight in (*module.parameters(), *module.buffers()))
