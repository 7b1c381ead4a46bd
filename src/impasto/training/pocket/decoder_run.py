"""Trains pocket's decoder for pictures of twice the size: from an autoencoder with f = 8 to one with f = 16."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.load import load_components
from impasto.data.caches.pixels import Pixels, is_for_training, prepare_pixels
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import upright_size
from impasto.data.catalogue.read import read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.settings import cache_folder
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.autoencoder import decode, peak_signal_to_noise, posterior_of, to_tensor
from impasto.training.pocket.decoder import DecoderChoices, PocketDecoderTask
from impasto.training.pocket.decoder_pairs import DecoderPairs, denoised_latents, true_latents
from impasto.training.pocket.double_size import double_autoencoder, halved, interpolated
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.texts import words_of_catalogue
from impasto.training.recipes.pocket import load_autoencoder

_FITTED = 32  # pictures that the initial kernels are fitted to
_JUDGED = 64  # the most held-out pictures to validate on


def train_pocket_decoder(
    catalogue: Path,
    autoencoder: Path,
    checkpoint: str | Path | None,
    run: Path,
    machine: Machine,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    begin_from: Path | None = None,
    seed: int = 0,
    choices: DecoderChoices | None = None,
    perceptual: bool = True,
    save_seconds: float = 120.0,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains the decoder, or resumes; returns `run/autoencoder`, an `AutoencoderKL` with f = 16 in diffusers' layout.

    Its latents are those of the f = 8 autoencoder for the halved picture, so a U-Net trained on these paints twice the size
    with it. Only pictures that are large enough are used: an enlarged one would teach softness. `run/start` holds the
    initial model. `run/report.json` holds the metrics: among them the error of the latents, as a share of their variance
    (`latents_error`), and the PSNR on held-out pictures beside that of the f = 8 decoder, enlarged.

    Args:
        autoencoder: the folder of the f = 8 autoencoder; its `sample_size` is half of the pictures'.
        checkpoint: the checkpoint whose U-Net's predictions the decoder learns to decode; it was trained on the latents of
            `autoencoder`. None: true latents, blurred and noised.
        minutes, steps: length of this run, as in every other.
        begin_from: an earlier run's `autoencoder` folder to continue from, possibly with another denoiser's predictions.
        perceptual: False trains without EfficientNet-Lite2's features, which come with the extra `judge`.

    Raises:
        UsageError, MissingPart, ImpastoError: no picture is large enough; a checkpoint of other latents; impossible numbers.
        KeyboardInterrupt: `should_stop` returned true; the state is on disk.
    """
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.998, save_seconds=save_seconds)
    choices = choices or DecoderChoices()
    small = load_autoencoder(autoencoder)
    size = 2 * int(small.config["sample_size"])
    entries = [entry for entry in read_catalogue(catalogue, check_images=False).entries if _is_large(entry, size)]
    training = [entry for entry in entries if is_for_training(entry)]
    if not training:
        raise ImpastoError(f"{catalogue} holds no picture to train on with both sides of {size} px or more")
    pixels, broken = prepare_pixels(
        training, size, cache_folder(), on_progress=lambda n, of: on_progress("decoding pictures", n / of, {})
    )
    for name, reason in broken.items():
        on_progress(f"skipped {name}: {reason}", 1.0, {})
    torch.manual_seed(seed)
    model = _begin(run / "start", small, pixels, begin_from)
    pairs = _pairs(catalogue, pixels, small, checkpoint, machine, on_progress)
    torch.manual_seed(seed)
    torch.nn.Module.to(small, "cpu")
    task = PocketDecoderTask(model, pairs, choices, machine, seed=seed, perceptual=perceptual)
    averages = train(
        task, run, schedule, seed=seed, pictures=choices.crop_batch, on_progress=each_step(on_progress),
        should_stop=should_stop,
    )  # fmt: skip
    model.load_state_dict(averages["autoencoder"].module.state_dict())
    torch.nn.Module.to(model, "cpu").eval()
    _save(model, run / "autoencoder")
    held_out = [entry for entry in entries if not is_for_training(entry) and _may_judge(entry)][:_JUDGED]
    report = {"choices": asdict(choices), "pictures": len(pixels.entries), "checkpoint": str(checkpoint or "")}
    write_atomically(
        run / "report.json", json.dumps({**report, **judge_decoder(model, small, held_out, size)}, indent=1).encode()
    )
    return run / "autoencoder"


@torch.inference_mode()
def judge_decoder(model: AutoencoderKL, small: AutoencoderKL, entries: list[CatalogueEntry], size: int) -> dict[str, float]:
    """Returns the latents' error on held-out pictures, and the PSNR in dB of both decoders from true latents.

    Without pictures it returns {}.
    """
    if not entries:
        return {}
    squares, _ = prepare_pixels(entries, size, cache_folder())
    real, ours, enlarged, mine, theirs = [], [], [], [], []
    for number in range(len(squares.entries)):
        square = squares.batch(np.array([number]))
        picture = to_tensor(square)
        wanted = posterior_of(small, halved(picture)).mean
        found = posterior_of(model, picture).mean
        theirs.append(wanted)
        mine.append(found)
        real.append(square)
        ours.append(_levels(decode(model, found)))
        enlarged.append(_levels(interpolated(small, wanted)))
    pictures = np.concatenate(real)
    target = torch.cat(theirs)
    error = (torch.cat(mine) - target).square().mean() / target.var()
    return {
        "held_out": len(pictures),
        "latents_error": round(float(error), 6),
        "psnr_db": round(peak_signal_to_noise(pictures, np.concatenate(ours)), 3),
        "psnr_enlarged_db": round(peak_signal_to_noise(pictures, np.concatenate(enlarged)), 3),
    }


def _levels(pictures: torch.Tensor) -> np.ndarray:
    return pictures.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def _is_large(entry: CatalogueEntry, size: int) -> bool:
    try:
        return min(upright_size(entry.file)) >= size
    except ImpastoError:
        return False


def _may_judge(entry: CatalogueEntry) -> bool:
    marked = any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    return is_held_out(entry.file_name) and not marked


def _begin(folder: Path, small: AutoencoderKL, pixels: Pixels, begin_from: Path | None) -> AutoencoderKL:
    """Returns the initial model of the run; creates it at the first start and reads it at every later one."""
    if not folder.is_dir():
        if begin_from is not None:
            model = load_autoencoder(begin_from)
        else:
            picked = np.linspace(0, len(pixels.entries) - 1, min(_FITTED, len(pixels.entries))).astype(np.int64)
            model = double_autoencoder(small, pixels.batch(picked))
        folder.parent.mkdir(parents=True, exist_ok=True)
        _save(model, folder)
    return load_autoencoder(folder)


def _save(model: AutoencoderKL, folder: Path) -> None:
    """Writes the folder of a model in two steps, so that it never exists in part."""
    made = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    model.save_pretrained(made, safe_serialization=True)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)


def _pairs(
    catalogue: Path,
    pixels: Pixels,
    small: AutoencoderKL,
    checkpoint: str | Path | None,
    machine: Machine,
    on_progress: Progress,
) -> DecoderPairs:
    true = true_latents(pixels, small, machine, on_progress)
    if checkpoint is None:
        return DecoderPairs(pixels, true)
    components = load_components(str(checkpoint))
    words = words_of_catalogue(catalogue, pixels.entries)
    return DecoderPairs(pixels, true, denoised_latents(pixels, true, words, components, machine, on_progress))
