"""What a retraining needs of memory: measured, a process a row, beside what `impasto train --dry-run` tells.

One step of our own task, after one of the optimizer on zeros, so that its state is there as it is from the second step on.
Weights, latents and token states are random, so that no checkpoint is needed: `sd-v1` is Stable Diffusion v1 built from its
configs (a U-Net of 860 million weights), `pocket` has the bundled checkpoint's shape. The measure is the process's largest
resident set (VmHWM), which counts Python and its libraries as well.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.checkpoints.source import CONFIGS
from impasto.training.distributed.processes import Processes
from impasto.training.estimate.cost import memory_of, resting_bytes
from impasto.training.estimate.step_costs import count_optimizer, count_step
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.loop import warmed_average
from impasto.training.loop.steps import seed_step
from impasto.training.methods.fine_tuning import FineTuningTask
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.retraining import rest_encoders

TOKENS = 77
ROOM = 1.1  # a row is left out where less than this times its prediction is free


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    shape: str
    side: int
    choices: FineTuning

    @property
    def name(self) -> str:
        c = self.choices
        words = [
            self.shape,
            f"lora{c.lora_rank}" if c.lora_rank else "full",
            str(self.side),
            f"b{c.batch}",
            *(["accumulation"] if c.accumulation > 1 else []),
            *(["checkpointing"] if c.gradient_checkpointing else []),
            *(["ema"] if c.ema_decay else []),
            *([c.precision] if c.precision != "fp32" else []),
        ]
        return "-".join(words)


def _row(shape: str, side: int, **choices: Any) -> Row:
    return Row(shape, side, FineTuning(text_dropout=0.0, validation_pictures=0, **choices))


ROWS = [
    _row("pocket", 128, batch=16),
    _row("pocket", 128, batch=16, ema_decay=0.99),
    _row("pocket", 128, batch=16, gradient_checkpointing=True),
    _row("pocket", 128, batch=16, accumulation=4),
    _row("pocket", 128, batch=16, precision="bf16"),
    _row("pocket", 128, batch=16, lora_rank=16),
    _row("pocket", 128, batch=64),
    _row("pocket", 256, batch=16),
    _row("sd-v1", 256, lora_rank=16),
    _row("sd-v1", 512, lora_rank=16, gradient_checkpointing=True),
    _row("sd-v1", 512, lora_rank=16),
    _row("sd-v1", 512, lora_rank=16, batch=4, gradient_checkpointing=True),
    _row("sd-v1", 512, lora_rank=16, batch=4),
    _row("sd-v1", 256),
    _row("sd-v1", 512),
    _row("sd-v1", 512, gradient_checkpointing=True),
    _row("sd-v1", 256, batch=4),
    _row("sd-v1", 256, ema_decay=0.9999),
]


def shape_of(name: str) -> Components:
    """The components of a shape, on the meta device."""
    if name == "pocket":
        return load_components("pocket", device="meta")
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModel

    configs = {
        part.parent.name: json.loads(part.read_text("utf-8"))
        for part in CONFIGS.glob("*/*config.json")
    }
    with torch.device("meta"):
        return Components(
            name=name,
            content_hash="",
            vae=AutoencoderKL.from_config(configs["vae"]),  # pyright: ignore[reportArgumentType]
            unet=UNet2DConditionModel.from_config(configs["unet"]),  # pyright: ignore[reportArgumentType]
            text_encoder=CLIPTextModel(CLIPTextConfig.from_dict(configs["text_encoder"])),
            tokenizer=None,
            scheduler_config=configs["scheduler"],
        )


class RandomStates:
    """Stands for the cached token states of texts."""

    def __init__(self, width: int) -> None:
        self._width = width

    def states(self, texts: list[str]) -> np.ndarray:
        return np.random.default_rng(0).standard_normal((len(texts), TOKENS, self._width), np.float32)


def measure(row: Row) -> dict[str, float]:
    """Runs the row in this process: peak memory in bytes and seconds of the step."""
    processes = Processes(row.choices.precision)  # first, as in a run: it tells the allocator what to keep
    components = shape_of(row.shape)
    unet: Any = components.unet
    vae: Any = components.vae
    for module, kind in ((unet, torch.float32), (vae, torch.float16), (components.text_encoder, torch.float16)):
        module.to(kind).to_empty(device="cpu")
        with torch.no_grad():
            for weight in module.parameters():
                weight.uniform_(-0.02, 0.02)
    side = row.side // latent_factor(vae.config)
    latents = np.zeros((row.choices.batch, unet.config["in_channels"], side, side), np.float32)
    entries: list[Any] = [None] * row.choices.batch  # a task only counts them
    data = TrainingSet(entries, latents, latents + 1, [["a picture"]] * row.choices.batch)
    states: Any = RandomStates(unet.config["cross_attention_dim"])
    task = FineTuningTask(components, data, states, row.choices, processes, seed=0)
    rest_encoders(task, paints=False)
    averages = [AveragedModel(task.models[name], multi_avg_fn=warmed_average(0.99)) for name in task.averaged]
    optimizer = task.optimizers["trained"]
    for weight in task.parameters:
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    seed_step(0, 0)
    begun = time.perf_counter()
    task.step(0, 0.0)
    for name, average in zip(task.averaged, averages, strict=True):
        average.update_parameters(task.models[name])
    seconds = time.perf_counter() - begun
    return {"peak": _status("VmHWM"), "seconds": seconds}


def predict(row: Row) -> tuple[int, float]:
    """Bytes at the peak, and seconds that it took to say so."""
    begun = time.process_time()
    components = shape_of(row.shape)
    resting = resting_bytes(components, row.choices)
    step = count_step(components, row.choices, side=row.side)
    optimizer = count_optimizer(row.choices)
    return memory_of(step, optimizer, row.choices, resting=resting).training, time.process_time() - begun


def _status(field: str) -> int:
    """Bytes that /proc says of this process."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def _available() -> int:
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose name holds this text; a comma between several")
    parser.add_argument("--list", action="store_true", help="names of all rows, and nothing else")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(next(row for row in ROWS if row.name == chosen.measure))))
        return
    rows = [row for row in ROWS if any(word in row.name for word in chosen.only.split(","))]
    if not rows:
        parser.error(f"--only {chosen.only}: no row is called so; --list names them")
    if chosen.list:
        print("\n".join(row.name for row in rows))
        return
    print("| row | measured, GB | predicted, GB | apart | s a step | told in, s |\n|---|---|---|---|---|---|", flush=True)
    for row in rows:
        told, took = predict(row)
        if _available() < ROOM * told:
            print(f"| {row.name} | not enough free | {told / 1e9:.2f} | | | {took:.1f} |", flush=True)
            continue
        done = subprocess.run(
            [sys.executable, __file__, "--measure", row.name], capture_output=True, text=True, check=False, env=os.environ
        )
        if done.returncode:
            sys.exit(f"{row.name}: {done.stderr[-2000:]}")
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {row.name} | {found['peak'] / 1e9:.2f} | {told / 1e9:.2f} | {100 * (told / found['peak'] - 1):+.0f} % "
            f"| {found['seconds']:.1f} | {took:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
