"""The recipes that made the `pocket` checkpoint: autoencoder, decoder and denoiser, from a catalogue alone.

Only `size` differs between a laptop's 128 px and an accelerator's 256 px.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vq_model import VQModel

from impasto.data.caches.pixels import Pixels, prepare_pixels, training_entries
from impasto.data.catalogue.read import Catalogue, read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically
from impasto.settings import cache_folder
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.autoencoder import (
    AutoencoderChoices,
    AutoencoderTask,
    make_autoencoder,
    normalise_latents,
    peak_signal_to_noise,
    reconstruct,
)
from impasto.training.methods.vq_autoencoder import VqAutoencoderTask, fill_codebook, make_vq_autoencoder, used_codes


def check_size(size: int) -> None:
    """Raises UsageError if pictures of `size` px have no latents of whole 8x8 blocks that the U-Net can halve twice."""
    if size % 32 or not 32 <= size <= 1024:
        raise UsageError(f"--size must be a multiple of 32 from 32 to 1024, not {size}")


def load_training_pixels(catalogue: Path, size: int, on_progress: Progress) -> tuple[Catalogue, Pixels]:
    """Returns the catalogue and the squares of its training entries."""
    rows = read_catalogue(catalogue, check_images=False)
    entries = training_entries(rows)
    pixels, broken = prepare_pixels(
        entries, size, cache_folder(), on_progress=lambda n, of: on_progress("decoding pictures", n / of, {})
    )
    for name, reason in broken.items():
        on_progress(f"skipped {name}: {reason}", 1.0, {})
    return rows, pixels


def held_out_squares(catalogue: Catalogue, size: int, count: int) -> np.ndarray:
    """Returns squares uint8 [n <= count, size, size, 3] of held-out colour pictures, to measure reconstruction."""
    entries = [
        entry
        for entry in catalogue.entries
        if is_held_out(entry.file_name)
        and not any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    ][:count]
    if not entries:
        return np.zeros((0, size, size, 3), np.uint8)
    pixels, _ = prepare_pixels(entries, size, cache_folder())
    return pixels.batch(np.arange(len(pixels.entries)))


def write_report(run: Path, report: dict[str, object]) -> None:
    """Writes `report.json` into the run's folder: what was trained, on how much data, with which metrics."""
    write_atomically(run / "report.json", json.dumps(report, indent=1).encode())


def train_autoencoder(
    catalogue: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    size: int = 128,
    seed: int = 0,
    choices: AutoencoderChoices | None = None,
    perceptual: bool = True,
    save_steps: int | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains the autoencoder; returns the folder `run/autoencoder` with the averaged weights in diffusers layout.

    With `choices.regularisation` "vq" it is a `VQModel`, which only reconstructs pictures; a denoiser needs "kl".

    Raises:
        UsageError, ImpastoError: a catalogue without pictures, another run's folder, impossible numbers.
    """
    check_size(size)
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.998, save_steps=save_steps)
    choices = choices or AutoencoderChoices()
    rows, pixels = load_training_pixels(catalogue, size, on_progress)
    _seed_weights(seed)
    picked = np.linspace(0, len(pixels.entries) - 1, min(1024, len(pixels.entries))).astype(np.int64)
    if choices.regularisation == "vq":
        autoencoder, kind = make_vq_autoencoder(choices, size), VqAutoencoderTask
        fill_codebook(autoencoder, pixels.batch(picked[:: max(1, len(picked) // 128)]), seed)
    else:
        autoencoder, kind = make_autoencoder(choices, size), AutoencoderTask
    task = kind(autoencoder, pixels, choices, seed=seed, perceptual=perceptual)
    averages = train(task, run, schedule, seed=seed, on_progress=each_step(on_progress), should_stop=should_stop)
    autoencoder.load_state_dict(averages["autoencoder"].module.state_dict())
    autoencoder.eval()
    report: dict[str, object] = {"choices": asdict(choices), "pictures": len(pixels.entries)}
    if isinstance(autoencoder, VQModel):
        report["used_codes"] = used_codes(autoencoder, pixels.batch(picked))
    else:
        normalise_latents(autoencoder, pixels.batch(picked))
    _save_autoencoder(autoencoder, run, rows, size, report)
    return run / "autoencoder"


def train_decoder(
    catalogue: Path,
    autoencoder: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    size: int = 128,
    seed: int = 0,
    choices: AutoencoderChoices | None = None,
    perceptual: bool = True,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains only the decoder of a finished autoencoder; its latents, and so a denoiser trained on them, stay valid."""
    check_size(size)
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.998)
    choices = choices or AutoencoderChoices(perceptual_from=0.0, adversarial_from=0.05, whole_from=0.3, learning_rate=3e-4)
    rows, pixels = load_training_pixels(catalogue, size, on_progress)
    _seed_weights(seed)
    model = load_autoencoder(autoencoder)
    task = AutoencoderTask(model, pixels, choices, seed=seed, perceptual=perceptual, decoder_only=True)
    averages = train(task, run, schedule, seed=seed, on_progress=each_step(on_progress), should_stop=should_stop)
    model.load_state_dict(averages["autoencoder"].module.state_dict())
    model.eval()
    _save_autoencoder(model, run, rows, size, {"choices": asdict(choices), "pictures": len(pixels.entries)})
    return run / "autoencoder"


def _seed_weights(seed: int) -> None:
    import torch

    torch.manual_seed(seed)


def load_autoencoder(folder: Path) -> AutoencoderKL:
    """Loads the autoencoder in a folder that `train_autoencoder` wrote (or any diffusers VAE folder)."""
    if not (folder / "config.json").is_file():
        raise ImpastoError(f"{folder} holds no autoencoder: train one with `impasto train pocket-autoencoder`")
    if _class_name(folder) == "VQModel":
        raise ImpastoError(f"{folder} holds an autoencoder with a codebook (vq): a decoder or a denoiser needs a kl one")
    try:
        model = AutoencoderKL.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ImpastoError(f"{folder} cannot be read as an autoencoder: {str(error).splitlines()[0]}") from None
    return model.eval()


def _class_name(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""  # loading it tells what is wrong
    return str(config.get("_class_name", "")) if isinstance(config, dict) else ""


def _save_autoencoder(
    model: AutoencoderKL | VQModel, run: Path, rows: Catalogue, size: int, report: dict[str, object]
) -> None:
    model.save_pretrained(run / "autoencoder", safe_serialization=True)
    squares = held_out_squares(rows, size, 256)
    if len(squares):
        report["held_out_psnr_db"] = round(peak_signal_to_noise(squares, reconstruct(model, squares)), 3)
    write_report(run, report)
