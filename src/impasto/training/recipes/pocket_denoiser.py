"""The recipe of `pocket`'s denoiser, and how autoencoder, denoiser and schedule become one checkpoint folder."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from impasto.checkpoints.minilm import load_text_encoder
from impasto.data.catalogue import CatalogueEntry
from impasto.data.latents import TextStates, prepare_latents
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.settings import cache_folder
from impasto.training.alignment import FeatureMaps
from impasto.training.autoencoder import posterior_of, to_tensor
from impasto.training.denoiser import DenoiserChoices, DenoiserTask, make_sampler, make_unet
from impasto.training.loop import Schedule, train
from impasto.training.progress import ShouldStop, never
from impasto.training.recipes.pocket import (
    Progress,
    check_size,
    load_autoencoder,
    load_training_pixels,
    no_report,
    write_report,
)
from impasto.training.text_whitening import TextWhitening
from impasto.training.training_set import latents_key, text_variants

WHITENED_TEXTS = 1500  # of 77 token states each
SHARD = "15MB"  # every file of a checkpoint stays below 16 MiB


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
    """Trains the denoiser; returns `run/checkpoint`, a folder that `--checkpoint` paints with.

    `begin_from`: a checkpoint folder whose U-Net, of the same shape, the weights begin as; else they begin untrained.

    Raises:
        UsageError, ImpastoError: no pictures, no autoencoder, another run's folder, impossible numbers.
    """
    check_size(size)
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.999, save_steps=save_steps)
    choices = choices or DenoiserChoices()
    vae = load_autoencoder(autoencoder)
    rows, pixels = load_training_pixels(catalogue, size, on_progress)
    channels: int = vae.config["latent_channels"]

    @torch.inference_mode()
    def encode(squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        posterior = posterior_of(vae, to_tensor(squares))
        scale: float = vae.config["scaling_factor"]
        return (posterior.mean * scale).numpy(), (posterior.std * scale).numpy()

    key = latents_key(vae)
    posterior = prepare_latents(
        pixels, key, encode, cache_folder(), channels=channels,
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
    unet = make_unet(choices, channels, size // 8)
    whitening = TextWhitening(torch.from_numpy(states.sample(WHITENED_TEXTS)))
    if begin_from is not None:
        begin_as(unet, begin_from)
        whitening.unfold_from(unet)
    task = DenoiserTask(unet, posterior, texts, states, whitening, choices, seed=seed, features=features)
    averages = train(
        task,
        run,
        schedule,
        seed=seed,
        on_progress=lambda n, share, losses: on_progress(f"step {n}", share, losses),
        should_stop=should_stop,
    )
    unet.load_state_dict(averages["unet"].module.state_dict())
    whitening.fold_into(unet)
    folder = assemble_checkpoint(run / "checkpoint", unet, vae, choices, pixels.entries)
    # Last: who has a report is complete.
    write_report(run, {"choices": asdict(choices), "pictures": len(pixels.entries), "pictures_read": len(rows.entries)})
    return folder


def begin_as(unet: UNet2DConditionModel, checkpoint: Path) -> None:
    """Copies a checkpoint's U-Net weights; a text embedding that it lacks stays untrained, and silent.

    Raises:
        ImpastoError: there are none, or they have another shape.
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
    """MiniLM's token states of all texts and of the empty one (float32 [n, 77, 384] when read)."""
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


def assemble_checkpoint(
    folder: Path,
    unet: UNet2DConditionModel,
    vae: AutoencoderKL,
    choices: DenoiserChoices,
    entries: Sequence[CatalogueEntry],
) -> Path:
    """Writes the checkpoint in fp16 and diffusers' layout, without the text encoder, with `artists.json` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    unet.half().save_pretrained(folder / "unet", safe_serialization=True, max_shard_size=SHARD)
    vae.half().save_pretrained(folder / "vae", safe_serialization=True, max_shard_size=SHARD)
    make_sampler(choices).save_pretrained(folder / "scheduler")
    counts = Counter(entry.artist for entry in entries if entry.artist)
    artists = [{"name": name, "works": works} for name, works in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
    write_atomically(folder / "artists.json", json.dumps(artists, ensure_ascii=False, indent=0).encode("utf-8"))
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "BertModel"],
        "tokenizer": ["transformers", "BertTokenizerFast"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
    }
    write_atomically(folder / "model_index.json", json.dumps(index, indent=1).encode("utf-8"))
    return folder
