"""Trains pocket's autoencoder: 4 latent channels of unit variance, equivariant to rotating and resizing the pictures."""

from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.files import replace_folder
from impasto.training.loop.loop import Keep, train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.autoencoder import (
    AutoencoderChoices,
    AutoencoderTask,
    Squares,
    make_autoencoder,
    normalise_latents,
    posterior_of,
    to_tensor,
)
from impasto.training.pocket.machine import Machine

CHOICES = AutoencoderChoices(
    latent_channels=4,
    equivariant=True,
    kl_weight=1e-4,
    perceptual_weight=0.5,
    perceptual_from=0.15,
    adversarial_from=0.7,
    whole_from=0.9,
    log_every=20,
)
_MEASURED = 1024  # pictures on which the latents are normalised to unit variance
_NEAR_UNIT = 0.05


def fit_autoencoder(
    pixels: Squares,
    run: Path,
    choices: AutoencoderChoices,
    machine: Machine,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    perceptual: bool = True,
    keep: Keep | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> AutoencoderKL:
    """Trains the autoencoder, or resumes from the states in `run`; returns the averaged weights on the machine's device.

    Raises:
        ImpastoError, KeyboardInterrupt: as `train`.
    """
    torch.manual_seed(seed)
    model = make_autoencoder(choices, pixels.height)
    task = AutoencoderTask(model, pixels, choices, seed=seed, perceptual=perceptual, machine=machine)
    averages = train(
        task, run, Schedule(minutes=minutes, steps=steps, ema_decay=0.998), seed=seed, pictures=choices.crop_batch,
        on_progress=each_step(on_progress), should_stop=should_stop, keep=keep,
    )  # fmt: skip
    model.load_state_dict(averages["autoencoder"].module.state_dict())
    model.eval().requires_grad_(False)
    bring_to_unit(model, pixels)
    return model


def bring_to_unit(autoencoder: AutoencoderKL, pixels: Squares) -> None:
    """Normalises every latent channel to mean 0 and deviation 1; latents that are close to that do not change."""
    picked = np.linspace(0, len(pixels) - 1, min(_MEASURED, len(pixels))).astype(np.int64)
    squares = torch.as_tensor(pixels.batch(picked)).cpu().numpy()
    if float(autoencoder.config["scaling_factor"]) != 1.0 or not _is_unit(autoencoder, squares[:256]):
        normalise_latents(autoencoder, squares, by_effect=False)


@torch.inference_mode()
def _is_unit(autoencoder: AutoencoderKL, squares: np.ndarray) -> bool:
    latents = posterior_of(autoencoder, to_tensor(squares).to(autoencoder.device)).mean
    mean, deviation = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    return bool((mean.abs() < 2 * _NEAR_UNIT).all() and ((deviation - 1).abs() < _NEAR_UNIT).all())


def save_autoencoder(autoencoder: AutoencoderKL, folder: Path) -> Path:
    """Writes the folder in diffusers' layout, atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder(folder) as made:
        autoencoder.save_pretrained(made, safe_serialization=True)
    return folder
