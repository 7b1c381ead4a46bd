"""How much memory, time and disk a retraining will take, before it begins and without the checkpoint's weights."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.data.entry import CatalogueEntry
from impasto.data.pictures import fit_square, open_picture
from impasto.errors import ImpastoError
from impasto.settings import choose_device
from impasto.training.cost import Disk, Memory, count_encoding, disk_of, memory_of, resting_bytes
from impasto.training.fine_tuning import choose_weights
from impasto.training.fine_tuning_choices import FineTuning
from impasto.training.machine_speed import measure_speed
from impasto.training.step_costs import count_optimizer, count_step
from impasto.training.training_set import TEXT_VARIANTS

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TRIED = 3  # pictures that are decoded to see how long one takes


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        pictures, texts: how many there are to encode, at most.
        side: pixels of a picture's side.
        steps: of the optimizer.
        step_seconds: of each.
        encoding_seconds: for all pictures and texts; those in the cache already cost nothing.
        memory, disk: bytes.
        on_gpu: the memory is the GPU's.
    """

    pictures: int
    texts: int
    side: int
    steps: int
    step_seconds: float
    encoding_seconds: float
    memory: Memory
    disk: Disk
    on_gpu: bool

    @property
    def seconds(self) -> float:
        """Of the whole run, where nothing is cached."""
        return self.encoding_seconds + self.steps * self.step_seconds


def estimate(
    checkpoint: str,
    choices: FineTuning,
    entries: Sequence[CatalogueEntry],
    *,
    steps: int | None = None,
    minutes: float | None = None,
    processes: int = 1,
    choose: Callable[[Components, FineTuning], None] = choose_weights,
    other_passes: int = 0,
) -> Estimate:
    """Counts the work on modules without memory, and measures this machine for a third of a second.

    The arguments are those of the recipe; `choose` and `other_passes` as `count_step` takes them.

    Raises:
        UsageError, MissingPart, ImpastoError: no such checkpoint; no picture among the first can be opened.
    """
    device = choose_device()
    components = load_components(checkpoint, device="meta")
    side = choices.size or components.default_size
    part = processes * choices.accumulation
    choices = replace(choices, batch=min(choices.batch, max(part, len(entries) // part * part)))
    texts = TEXT_VARIANTS * len(entries) + 1
    encoding = count_encoding(components, side=side)
    resting = resting_bytes(components, choices)
    latents = 2 * 4 * len(entries) * components.unet.config["in_channels"] * (side // 8) ** 2
    states = 2 * texts * components.max_tokens * components.unet.config["cross_attention_dim"]
    data = latents + (states if choices.trained == "unet" else 0)
    optimizer = count_optimizer(choices)
    step = count_step(
        components, choices, side=side, processes=processes, choose=choose, other_passes=other_passes
    )
    plain = measure_speed(device)
    mixed = plain if choices.precision == "fp32" else measure_speed(device, _PRECISIONS[choices.precision])
    averaged = 12 * step.trained if choices.ema_decay else 0
    step_seconds = mixed.seconds(step.flops, step.moved + optimizer.moved * step.trained + averaged, step.operations)
    pictures, words = encoding.picture_costs, encoding.text_costs
    batches = len(entries) / encoding.pictures, texts / encoding.texts if choices.trained == "unet" else 0
    encoding_seconds = len(entries) * _seconds_to_decode(entries, side) + sum(
        count * plain.seconds(costs.flops, costs.moved, costs.operations)
        for count, costs in zip(batches, (pictures, words), strict=True)
    )
    if steps is None:
        steps = math.ceil(choices.epochs * len(entries) / choices.batch)
        if minutes is not None:
            steps = math.ceil(60 * minutes / step_seconds)
    return Estimate(
        pictures=len(entries),
        texts=texts,
        side=side,
        steps=steps,
        step_seconds=step_seconds,
        encoding_seconds=encoding_seconds,
        memory=memory_of(
            step, optimizer, choices, encoding=encoding.weights + encoding.peak, resting=resting, data=data,
            on_gpu=device.type == "cuda",
        ),
        disk=disk_of(step, optimizer, choices, encoding.weights),
        on_gpu=device.type == "cuda",
    )  # fmt: skip


def _seconds_to_decode(entries: Sequence[CatalogueEntry], side: int) -> float:
    """Of one picture, from a few of them.

    Raises:
        ImpastoError: none of the first ones can be opened.
    """
    took: list[float] = []
    refused: ImpastoError | None = None
    for entry in entries[:20]:
        begun = time.perf_counter()
        try:
            fit_square(open_picture(entry.file), side)
        except ImpastoError as error:
            refused = error
            continue
        took.append(time.perf_counter() - begun)
        if len(took) == _TRIED:
            break
    if not took:
        raise refused or ImpastoError("no picture to train on")
    return sum(took) / len(took)
