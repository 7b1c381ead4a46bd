"""The run of pocket's denoiser, from prepared data to a checkpoint folder with its memory."""

import json
import time
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.optim.swa_utils import AveragedModel

from impasto.checkpoints.memory import MemoryEncoder, PaintingMemory, save_memory
from impasto.checkpoints.minilm import load_text_encoder
from impasto.checkpoints.save_components import save_parts
from impasto.files import write_atomically
from impasto.training.denoiser import make_sampler, make_unet
from impasto.training.loop import train
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.prepare import LongTextStates, Prepared
from impasto.training.pocket.task import PocketTask
from impasto.training.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.recipes.pocket_denoiser import artists_of
from impasto.training.steps import Schedule
from impasto.training.text_whitening import TextWhitening

CHECKPOINT = "checkpoint"


def make_task(prepared: Prepared, choices: PocketChoices, machine: Machine, *, seed: int) -> PocketTask:
    """An untrained U-Net and memory network for the prepared data; the same for the same seed."""
    torch.manual_seed(seed)
    channels, side = prepared.data.latents.shape[2], prepared.data.latents.shape[3]
    unet = make_unet(replace(choices.unet, batch=choices.batch), channels, side)
    memory = prepared.memory.encoder
    torch.nn.init.normal_(memory.inner.weight, std=memory.config.code**-0.5)
    whitening = TextWhitening(prepared.sample)
    long_texts = LongTextStates(prepared.words, load_text_encoder(), machine, seed) if choices.long_share else None
    return PocketTask(unet, memory, whitening, prepared.data, choices, machine, seed=seed, long_texts=long_texts)


def train_pocket(
    prepared: Prepared,
    autoencoder: AutoencoderKL,
    run: Path,
    choices: PocketChoices,
    machine: Machine,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    save_seconds: float = 120.0,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains, or goes on where it was; returns `run/checkpoint`, painted with by `--checkpoint`.

    `run/raw` holds the last weights beside the averaged ones: after few steps they may paint better. `run/gap.jsonl` holds
    the low-noise loss of trained and held-out pictures as training went on.
    """
    task = make_task(prepared, choices, machine, seed=seed)
    schedule = Schedule(
        minutes=minutes, steps=steps, warmup_steps=300, decay_from=0.75, final_rate=0.02, ema_half_life=0.05,
        save_seconds=save_seconds,
    )  # fmt: skip
    begun, pictures = time.monotonic(), 0

    def told(step: int, share: float, figures: dict[str, float]) -> None:
        nonlocal pictures
        pictures += choices.batch
        if step % 500 == 0:
            row = {"step": step, "pictures": step * choices.batch, **task.gap()}
            with (run / "gap.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if "loss" in figures:
            rate = pictures / (time.monotonic() - begun)
            each_step(on_progress)(step, share, {**figures, "pictures_per_second": round(rate, 1)})

    averages = train(
        task, run, schedule, seed=seed, pictures=choices.batch, on_progress=told, should_stop=should_stop
    )
    raw = {name: task.models[name] for name in task.averaged}
    save_pocket(prepared, autoencoder, raw, task.whitening, choices, run / "raw")
    return write_checkpoint(prepared, autoencoder, averages, task.whitening, choices, run / CHECKPOINT)


def write_checkpoint(
    prepared: Prepared,
    autoencoder: AutoencoderKL,
    averages: dict[str, AveragedModel],
    whitening: TextWhitening,
    choices: PocketChoices,
    folder: Path,
) -> Path:
    """The averaged weights as a checkpoint folder."""
    averaged = {name: average.module for name, average in averages.items()}
    return save_pocket(prepared, autoencoder, averaged, whitening, choices, folder)


def save_pocket(
    prepared: Prepared,
    autoencoder: AutoencoderKL,
    models: dict[str, torch.nn.Module],
    whitening: TextWhitening,
    choices: PocketChoices,
    folder: Path,
) -> Path:
    """Writes U-Net, autoencoder, schedule, artists and memory; the whitening is folded into copies of the weights."""
    cpu = torch.device("cpu")
    fold = deepcopy(whitening).to(cpu)
    fold.detach_hooks()
    state = {name: value.detach().to(cpu, torch.float32) for name, value in models["unet"].state_dict().items()}
    data = prepared.data
    unet = make_unet(choices.unet, data.latents.shape[2], data.latents.shape[3])
    unet.load_state_dict(state)
    fold.fold_into(unet)
    network = MemoryEncoder(choices.memory, len(prepared.memory.encoder.mean))
    network.load_state_dict({k: v.detach().to(cpu, torch.float32) for k, v in models["memory"].state_dict().items()})
    fold.fold_into_tokens(network.outer)
    schedule: dict[str, Any] = json.loads(make_sampler(choices.unet).to_json_string())
    entries = [word.entry for word in prepared.words]
    torch.nn.Module.to(autoencoder, cpu)
    saved = save_parts({"unet": unet, "vae": autoencoder}, folder, schedule, artists_of(entries))
    save_memory(PaintingMemory(network, prepared.memory.codes.cpu(), prepared.memory.works), saved / "memory")
    write_atomically(saved / "choices.json", json.dumps(asdict(choices), indent=1).encode())
    return saved
