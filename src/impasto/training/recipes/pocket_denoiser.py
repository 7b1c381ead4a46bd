"""The recipe of `pocket`'s denoiser: trains it, and writes autoencoder, denoiser and schedule as one checkpoint folder."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from impasto.checkpoints.export.components import save_parts
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.latents import TextStates, prepare_latents
from impasto.data.catalogue.read import CatalogueEntry
from impasto.errors import ImpastoError, UsageError
from impasto.language.minilm import load_text_encoder
from impasto.settings import cache_folder
from impasto.training.examples.training_set import latents_key, text_variants
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.losses.alignment import FeatureMaps
from impasto.training.losses.text_whitening import TextWhitening
from impasto.training.methods.autoencoder import posterior_of, to_tensor
from impasto.training.methods.denoiser import DenoiserChoices, DenoiserTask, make_sampler, make_unet
from impasto.training.recipes.pocket import check_size, load_autoencoder, load_training_pixels, write_report

WHITENED_TEXTS = 1500  # texts that the whitening is fitted to, of 77 token states each


def train_denoiser(
    catalogue: Path,
    autoencoder: Path,
    run: Path,
    minutes: float | None = None,
    *,
    steps: int | None = None,
    size: int = 128,
    seed: int = 0,
    begin_from: Path | None = None,
    choices: DenoiserChoices | None = None,
    aligned: bool = True,
    save_steps: int | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Trains the denoiser; returns `run/checkpoint`, a folder that `--checkpoint` accepts.

    `begin_from` is a checkpoint folder whose U-Net, of the same shape, gives the initial weights; default: untrained ones.

    Raises:
        UsageError, ImpastoError: no pictures, no autoencoder, another run's folder, impossible numbers.
    """
    check_size(size)
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.999, save_steps=save_steps)
    choices = choices or DenoiserChoices()
    vae = load_autoencoder(autoencoder)
    if size % (4 * latent_factor(vae.config)):
        raise UsageError(f"--size must be a multiple of {4 * latent_factor(vae.config)} with this autoencoder, not {size}")
    rows, pixels = load_training_pixels(catalogue, size, on_progress)
    channels: int = vae.config["latent_channels"]

    @torch.inference_mode()
    def encode(squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posterior = posterior_of(vae, to_tensor(squares))
        scale: float = vae.config["scaling_factor"]
        return (posterior.mean * scale).numpy(), (posterior.std * scale).numpy()

    key = latents_key(vae)
    posterior = prepare_latents(
        pixels, key, encode, cache_folder(), channels=channels, factor=latent_factor(vae.config),
        on_progress=lambda n, of: on_progress("encoding pictures", n / of, {}),
    )  # fmt: skip
    texts = [text_variants(entry) for entry in pixels.entries]
    states = prepare_text_states([t for variants in texts for t in variants], on_progress)
    features = None
    if aligned:
        features = FeatureMaps(
            pixels, cache_folder(), on_progress=lambda n, of: on_progress("reading features", n / of, {})
        )
    torch.manual_seed(seed)
    unet = make_unet(choices, channels, size // latent_factor(vae.config))
    whitening = TextWhitening(torch.from_numpy(states.sample(WHITENED_TEXTS)))
    if begin_from is not None:
        begin_as(unet, begin_from)
        whitening.unfold_from(unet)
    task = DenoiserTask(unet, posterior, texts, states, whitening, choices, seed=seed, features=features)
    averages = train(task, run, schedule, seed=seed, on_progress=each_step(on_progress), should_stop=should_stop)
    unet.load_state_dict(averages["unet"].module.state_dict())
    whitening.fold_into(unet)
    schedule_config = json.loads(make_sampler(choices).to_json_string())
    folder = save_parts({"unet": unet, "vae": vae}, run / "checkpoint", schedule_config, artists_of(pixels.entries))
    # Written last: a run that has a report is complete.
    write_report(run, {"choices": asdict(choices), "pictures": len(pixels.entries), "pictures_read": len(rows.entries)})
    return folder


def begin_as(unet: UNet2DConditionModel, checkpoint: Path) -> None:
    """Copies a checkpoint's U-Net weights; a text embedding that it lacks stays untrained and without effect.

    Raises:
        ImpastoError: there are no weights, or they have another shape.
    """
    folder = checkpoint / "unet"
    if not (folder / "config.json").is_file():
        raise ImpastoError(f"--from {checkpoint} holds no U-Net: give a checkpoint folder, as `train` writes them")
    try:
        weights = UNet2DConditionModel.from_pretrained(folder, local_files_only=True, torch_dtype=torch.float32)
        own = {name: value for name, value in unet.state_dict().items() if name.startswith("add_embedding.")}
        unet.load_state_dict({**own, **weights.state_dict()})
    except (OSError, ValueError, RuntimeError) as error:
        raise ImpastoError(f"--from {checkpoint} does not fit this recipe: {str(error).splitlines()[0]}") from None


def prepare_text_states(texts: Sequence[str], on_progress: Progress = no_report) -> TextStates:
    """Returns MiniLM's token states of all texts and of the empty one (float32 [n, 77, 384] when read)."""
    encoder = load_text_encoder()
    return TextStates(
        ["", *texts],
        encoder.sha256,
        lambda batch: encoder.states(batch).numpy(),
        cache_folder(),
        tokens=encoder.max_tokens,
        width=encoder.width,
        on_progress=lambda n, of: on_progress("encoding texts", n / of, {}),
    )


def artists_of(entries: Sequence[CatalogueEntry]) -> list[dict[str, object]]:
    """Returns the artists of the training pictures, most works first: `{"name": str, "works": int}`."""
    counts = Counter(entry.artist for entry in entries if entry.artist)
    return [{"name": name, "works": works} for name, works in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
