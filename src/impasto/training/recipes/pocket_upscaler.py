"""The recipe of the pocket upscaler: trains it on a catalogue's pictures of 256 px and more, and the same halved."""

import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.upscaler.compact import CompactUpscaler
from impasto.checkpoints.upscaler.load import save_upscaler
from impasto.data.caches.pixels import prepare_pixels, training_entries
from impasto.data.catalogue.pictures import upright_size
from impasto.data.catalogue.read import CatalogueEntry, read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.training.examples.upscaler_pairs import degrade, halved
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.autoencoder import peak_signal_to_noise
from impasto.training.methods.upscaler import UpscalerChoices, UpscalerTask, make_upscaler, upscale_squares
from impasto.training.pocket.machine import find_machine
from impasto.training.recipes.pocket import write_report

SIDE = 256
_TESTED = 128


def train_pocket_upscaler(
    catalogue: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    side: int = SIDE,
    seed: int = 0,
    choices: UpscalerChoices | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains on the catalogue's training part; returns `run/upscaler`, which `impasto upscale --model` accepts.

    Pictures whose short side is under `side` px are left out. `run/report.json` holds the PSNR on held-out pictures, halved
    and enlarged again, and that of bicubic interpolation as a baseline.

    Raises:
        ImpastoError, MissingPart: no picture is large enough, a package is not installed.
    """
    choices = choices or UpscalerChoices()
    machine = find_machine()
    rows = read_catalogue(catalogue, check_images=False)
    wanted = _large_enough(training_entries(rows), side)
    if not wanted:
        raise ImpastoError(f"{catalogue} holds no picture to train on whose short side has {side} px")
    pixels, broken = prepare_pixels(
        wanted, side, cache_folder(), on_progress=lambda n, of: on_progress("decoding pictures", n / of, {})
    )
    for name, reason in broken.items():
        on_progress(f"skipped {name}: {reason}", 1.0, {})
    torch.manual_seed(seed)
    task = UpscalerTask(make_upscaler(choices.shape), pixels, choices, machine, seed=seed)
    averages = train(
        task,
        run,
        Schedule(minutes=minutes, steps=steps, ema_decay=0.995, warmup_steps=30),
        seed=seed,
        on_progress=each_step(on_progress),
        should_stop=should_stop,
        pictures=choices.batch,
    )
    upscaler: CompactUpscaler = averages["upscaler"].module.eval()  # pyright: ignore[reportAssignmentType]
    save_upscaler(run / "upscaler", upscaler)
    held_out = _large_enough([e for e in rows.entries if is_held_out(e.file_name)], side)
    picked = random.Random(0).sample(held_out, min(_TESTED, len(held_out)))
    report: dict[str, object] = {"choices": asdict(choices), "pictures": len(pixels.entries), "machine": machine.name}
    if picked:
        tested, _ = prepare_pixels(picked, side, cache_folder())
        squares = tested.batch(np.arange(len(tested.entries)))
        report |= {"tested": len(squares), **held_out_figures(upscaler, squares)}
    write_report(run, report)
    return run / "upscaler"


def _large_enough(entries: list[CatalogueEntry], side: int) -> list[CatalogueEntry]:
    found = []
    for entry in entries:
        try:
            if min(upright_size(entry.file)) >= side:
                found.append(entry)
        except ImpastoError:
            continue  # `prepare_pixels` would report it if the picture were used
    return found


def held_out_figures(upscaler: CompactUpscaler, squares: np.ndarray) -> dict[str, float]:
    """Returns the PSNR in dB of `squares` uint8 [n, s, s, 3], halved and enlarged again, for the upscaler and for bicubic.

    `clean`: halved by the bicubic kernel and nothing else. `degraded`: halved as in training, with blur and compression.
    """
    scale = upscaler.shape.scale
    draw = random.Random(0)
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "clean": lambda square: halved(square, scale),
        "degraded": lambda square: degrade(square, scale, draw),
    }
    figures = {}
    for name, way in ways.items():
        small = np.stack([way(square) for square in squares])
        figures[f"held_out_psnr_db_{name}"] = round(peak_signal_to_noise(squares, upscale_squares(upscaler, small)), 3)
        figures[f"bicubic_psnr_db_{name}"] = round(peak_signal_to_noise(squares, _bicubic(small, scale)), 3)
    return figures


def _bicubic(squares: np.ndarray, scale: int) -> np.ndarray:
    height, width = squares.shape[1:3]
    size = (width * scale, height * scale)
    return np.stack([np.asarray(Image.fromarray(s).resize(size, Image.Resampling.BICUBIC)) for s in squares])
