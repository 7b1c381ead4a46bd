"""Estimates the memory, time and disk use of a retraining before it begins, without the checkpoint's weights."""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.encoded_rows import pictures_to_encode, texts_to_encode
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import fit_square, open_picture
from impasto.errors import ImpastoError
from impasto.settings import cache_folder, choose_device
from impasto.training.estimate.cost import Disk, EncodingCosts, Memory, count_encoding, disk_of, memory_of, resting_bytes
from impasto.training.estimate.machine_speed import MachineSpeed, measure_speed
from impasto.training.estimate.step_costs import choose_word, count_optimizer, count_step
from impasto.training.examples.training_set import TEXT_VARIANTS, text_variants
from impasto.training.methods.fine_tuning import choose_weights, padded_length, pads_to_batch
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.instruct import seeing
from impasto.training.recipes.retraining import writes_text_encoder

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TEXTS_READ = 1000  # the most pictures whose texts are made
_ENTRIES_READ, _BATCHES_DRAWN = 200, 50  # to learn how long the texts are
_TRIED = 3  # pictures that are decoded to measure how long one takes


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a run.

    Attributes:
        pictures, texts: their numbers; with more than 1000 pictures, texts are counted as all different.
        to_encode: how many pictures and texts the cache does not hold yet.
        side: pixels of a picture's side.
        steps: number of optimizer steps.
        step_seconds: seconds of each step.
        encoding_seconds: seconds for the pictures and texts to encode.
        memory, disk: bytes.
        on_gpu: whether the memory is the GPU's.
    """

    pictures: int
    texts: int
    to_encode: tuple[int, int]
    side: int
    steps: int
    step_seconds: float
    encoding_seconds: float
    memory: Memory
    disk: Disk
    on_gpu: bool

    @property
    def seconds(self) -> float:
        """The seconds of the whole run."""
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
    editing: bool = False,
) -> Estimate:
    """Counts the work of a run on modules without memory, and measures this machine's speed for a third of a second.

    The arguments are those of the recipe; `choose` and `other_passes` are those of `count_step`, and `editing` is that of
    `load_components`.

    Raises:
        UsageError, MissingPart, ImpastoError: no such checkpoint; no picture among the first can be opened.
    """
    device = choose_device()
    components = load_components(checkpoint, device="meta", editing=editing)
    if components.unet.config["in_channels"] != components.vae.config["latent_channels"]:
        components = seeing(components)
    side = choices.size or components.default_size
    factor = latent_factor(components.vae.config)
    part = processes * choices.accumulation
    choices = replace(choices, batch=min(choices.batch, max(part, len(entries) // part * part)))
    texts = _texts(entries)
    keeps_states = choices.trained == "unet" and choose is not choose_word
    to_encode = (
        pictures_to_encode(cache_folder(), components.content_hash, entries, side, factor),
        texts_to_encode(cache_folder(), components.content_hash, texts) if keeps_states else 0,
    )
    # The step is counted last: it adds LoRAs to the components, or replaces their tensors by another kind.
    encoding = count_encoding(components, side=side)
    resting = resting_bytes(components, choices)
    written = [components.unet, components.vae]
    if writes_text_encoder(components, choices):
        written.append(components.text_encoder)
    whole_unet = choices.trained == "unet" and not choices.lora_rank
    guide = components.unet if whole_unet and choices.domain_guidance and choose is choose_weights else None
    channels, width = components.unet.config["in_channels"], components.unet.config["cross_attention_dim"]
    latents = 2 * 2 * len(entries) * channels * (side // factor) ** 2
    states = 2 * len(texts) * components.max_tokens * width if keeps_states else 0
    optimizer = count_optimizer(choices)
    step = count_step(
        components, choices, side=side, processes=processes, choose=choose, other_passes=other_passes,
        short_tokens=usual_tokens(components, choices, entries),
    )  # fmt: skip

    speed = measure_speed(device)
    in_step = speed if choices.precision == "fp32" else measure_speed(device, _PRECISIONS[choices.precision])
    averaged = 12 * step.trained if choices.ema_decay else 0
    step_seconds = in_step.seconds(step.flops, step.moved + optimizer.moved * step.trained + averaged, step.operations)
    if steps is None:
        steps = math.ceil(choices.epochs * len(entries) / choices.batch)
        if minutes is not None:
            steps = math.ceil(60 * minutes / step_seconds)
    decoding = to_encode[0] * _seconds_to_decode(entries, side) if to_encode[0] else 0.0
    return Estimate(
        pictures=len(entries),
        texts=len(texts),
        to_encode=to_encode,
        side=side,
        steps=steps,
        step_seconds=step_seconds,
        encoding_seconds=decoding + _encoding_seconds(encoding, to_encode, speed),
        memory=memory_of(
            step, optimizer, choices, encoding=encoding.weights + encoding.peak if any(to_encode) else 0,
            decoding=encoding.decoding if choices.validation_pictures else 0, resting=resting, data=latents + states,
            on_gpu=device.type == "cuda",
        ),
        disk=disk_of(step, optimizer, choices, written, guide),
        on_gpu=device.type == "cuda",
    )  # fmt: skip


def _encoding_seconds(encoding: EncodingCosts, to_encode: tuple[int, int], speed: MachineSpeed) -> float:
    """Returns the seconds to encode `to_encode` pictures and texts by the VAE and the text encoder."""
    costs = (encoding.picture_costs, encoding.pictures), (encoding.text_costs, encoding.texts)
    return sum(
        count / batch * speed.seconds(cost.flops, cost.moved, cost.operations)
        for count, (cost, batch) in zip(to_encode, costs, strict=True)
    )


def _texts(entries: Sequence[CatalogueEntry]) -> list[str]:
    """Returns the empty text and every other text once; for many pictures, as many placeholders as they have texts."""
    if len(entries) > _TEXTS_READ:
        return [f"{number}" for number in range(TEXT_VARIANTS * len(entries) + 1)]
    return list(dict.fromkeys(["", *(text for entry in entries for text in text_variants(entry))]))


def usual_tokens(components: Components, choices: FineTuning, entries: Sequence[CatalogueEntry]) -> int:
    """Returns the number of tokens that most batches are padded to, the mean over some batches; 0 for all tokens."""
    if not pads_to_batch(components, choices):
        return 0
    draw = random.Random(0)
    some = draw.sample(entries, min(len(entries), _ENTRIES_READ))
    lengths = [[components.count_tokens([text]) for text in text_variants(entry)] for entry in some]
    longest = [max(draw.choice(draw.choice(lengths)) for _ in range(choices.batch)) for _ in range(_BATCHES_DRAWN)]
    return min(components.max_tokens, round(sum(map(padded_length, longest)) / len(longest)))


def _seconds_to_decode(entries: Sequence[CatalogueEntry], side: int) -> float:
    """Returns the seconds to decode one picture, measured on a few of them.

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
