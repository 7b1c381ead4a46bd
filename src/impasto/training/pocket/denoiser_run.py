"""Trains pocket's denoiser: from prepared data to a checkpoint folder with its memory."""

import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.denoiser import make_unet
from impasto.training.pocket.checkpoint import save_pocket
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.layout import CHECKPOINT, GAP
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.prepare import LongTextStates, Prepared, ResidentLongTexts
from impasto.training.pocket.task import LongTexts, PocketTask
from impasto.training.recipes.pocket_denoiser import artists_of


def make_task(prepared: Prepared, choices: PocketChoices, machine: Machine, *, seed: int) -> PocketTask:
    """Makes the task of the prepared data, with an untrained U-Net and memory network; the same for the same seed."""
    torch.manual_seed(seed)
    channels, side = prepared.data.latents.shape[2], prepared.data.latents.shape[3]
    unet = make_unet(replace(choices.unet, batch=choices.batch), channels, side)
    memory = prepared.memory.encoder
    torch.nn.init.normal_(memory.inner.weight, std=memory.config.code**-0.5)
    whitening = TextWhitening(prepared.sample)
    long_texts: LongTexts | None = None
    if choices.long_share:
        kind = LongTextStates if machine.device.type == "cpu" else ResidentLongTexts
        long_texts = kind(prepared.words, prepared.encoder, machine, seed)
    return PocketTask(unet, memory, whitening, prepared.data, choices, machine, seed=seed, long_texts=long_texts)


def pocket_schedule(
    *, minutes: float | None = None, steps: int | None = None, save_seconds: float = 120.0, log_every: int = 20
) -> Schedule:
    """Returns the schedule: a plateau, then a line in the last quarter; the EMA half-life is a twentieth of the steps."""
    return Schedule(
        minutes=minutes, steps=steps, warmup_steps=300, decay_from=0.75, final_rate=0.02, ema_half_life=0.05,
        save_seconds=save_seconds, log_every=log_every,
    )  # fmt: skip


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
    begin_from: Path | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains the denoiser, or resumes; returns `run/checkpoint`, a folder that `--checkpoint` accepts.

    `run/raw` holds the last weights besides the averaged ones: after few steps they may paint better. `run/gap.jsonl` holds
    the low-noise loss of trained and held-out pictures in the course of training.

    Args:
        begin_from: the folder that `unpack` wrote: a run without a state begins with its weights.
    """
    task = make_task(prepared, choices, machine, seed=seed)
    schedule = pocket_schedule(minutes=minutes, steps=steps, save_seconds=save_seconds)
    if begin_from is not None and not any(run.glob("state-*.pt")):
        from impasto.training.pocket.pack.begin import begin_run

        begin_run(task, begin_from, run, seed)
    begun, pictures = time.monotonic(), 0

    def told(step: int, share: float, figures: dict[str, float]) -> None:
        nonlocal pictures
        pictures += task.batch_at(share)
        if step % 500 == 0:
            note_gap(task, step, run)
        if "loss" in figures:
            rate = pictures / (time.monotonic() - begun)
            each_step(on_progress)(step, share, {**figures, "pictures_per_second": round(rate, 1)})

    averages = train(task, run, schedule, seed=seed, pictures=choices.batch, on_progress=told, should_stop=should_stop)
    raw = {name: task.models[name] for name in task.averaged}
    write_checkpoint(prepared, autoencoder, raw, task, run / "raw")
    averaged = {name: average.module for name, average in averages.items()}
    return write_checkpoint(prepared, autoencoder, averaged, task, run / CHECKPOINT)


def note_gap(task: PocketTask, step: int, run: Path) -> None:
    """Adds a line with the low-noise losses to `gap.jsonl`."""
    row = {"step": step, **task.gap()}
    with (run / GAP).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def write_checkpoint(
    prepared: Prepared,
    autoencoder: AutoencoderKL,
    models: dict[str, torch.nn.Module],
    task: PocketTask,
    folder: Path,
) -> Path:
    """Writes models of the task's shape as a checkpoint folder."""
    return save_pocket(
        {name: model.state_dict() for name, model in models.items()}, task.whitening, autoencoder, task.choices,
        prepared.memory.codes, prepared.memory.works, artists_of([word.entry for word in prepared.words]), folder,
    )  # fmt: skip
