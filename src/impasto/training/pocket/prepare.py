"""Prepares the training data of pocket's denoiser from a catalogue and an autoencoder; slow results are cached."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.memory import MemoryConfig, MemoryEncoder, PaintingMemory, Work, latent_moments, nearest_codes
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.caches.latents import TextStates, prepare_latents
from impasto.data.caches.pixels import Pixels, prepare_pixels, training_entries
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError
from impasto.language.minilm import TextEncoder, load_text_encoder, token_states
from impasto.settings import cache_folder
from impasto.training.examples.training_set import latents_key
from impasto.training.loop.progress import Progress, no_report
from impasto.training.losses.alignment import FeatureMaps
from impasto.training.methods.autoencoder import posterior_of, to_tensor
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.data import PocketData, neighbours_by_text
from impasto.training.pocket.machine import Machine
from impasto.training.pocket.texts import PictureWords, TextDrawer, words_of_catalogue
from impasto.training.recipes.pocket import held_out_squares
from impasto.vision.features.efficientnet import ImageFeatures
from impasto.vision.scorers.pocket import PocketScorer

HELD_OUT = 256  # pictures to measure the gap between trained and held-out pictures


@dataclass
class Prepared:
    """The training data, and the parts from which it was made.

    Attributes:
        memory: the memory's encoder, fitted to the pictures, and their codes; its network is untrained.
        words: the texts and tags of each picture.
        sample: token states to fit a whitening to, [n, width].
        encoder: the text encoder.
    """

    data: PocketData
    memory: PaintingMemory
    words: list[PictureWords]
    sample: torch.Tensor
    encoder: TextEncoder


def prepare(
    catalogue: Path,
    autoencoder: AutoencoderKL,
    size: int,
    choices: PocketChoices,
    machine: Machine,
    *,
    aligned: bool = True,
    fitted: MemoryEncoder | None = None,
    on_progress: Progress = no_report,
) -> Prepared:
    """Encodes all training data, each item once: pictures and mirror images, features, codes, neighbours and texts.

    `fitted` is the memory's encoder of an earlier training, if the codes must be those of that training.

    Raises:
        ImpastoError, MissingPart: no usable picture; EfficientNet-Lite2's package is missing.
    """
    rows = read_catalogue(catalogue, check_images=False)
    pixels, broken = prepare_pixels(
        training_entries(rows), size, cache_folder(),
        on_progress=lambda n, of: on_progress("decoding pictures", n / of, {}),
    )  # fmt: skip
    for name, reason in broken.items():
        on_progress(f"skipped {name}: {reason}", 1.0, {})
    pixels, features = features_of(pixels, choices.memory, on_progress)
    latents, deviation = encode_both_ways(pixels, autoencoder, machine, on_progress)
    encoder = fitted or MemoryEncoder(choices.memory, features.shape[1])
    moments = latent_moments(latents[0])
    if fitted is None:
        encoder.fit(features, moments)
    codes = encoder.codes(features, moments)
    words = words_of_catalogue(catalogue, pixels.entries)
    drawer = TextDrawer()
    texts = [drawer.variants(word, choices.text_variants) for word in words]
    on_progress("finding neighbours", 0.0, {})
    scorer = PocketScorer()
    by_text = neighbours_by_text(
        scorer.embed_texts([variants[0] for variants in texts]),
        scorer.project(features.numpy()),
        [entry.artist for entry in pixels.entries],
        choices.neighbours,
    )
    text_encoder = load_text_encoder()
    states, numbers, sample = _states(texts, text_encoder, choices, machine, on_progress)
    maps: tuple[torch.Tensor, ...] = ()
    if aligned:
        found = FeatureMaps(pixels, cache_folder(), on_progress=lambda n, of: on_progress("reading features", n / of, {}))
        maps = tuple(part.half() for part in found.all())
    held_out = held_out_squares(rows, size, HELD_OUT)
    data = PocketData(
        latents=latents.half(),
        latent_scale=torch.ones(latents.shape[2]),
        deviation=deviation,
        codes=codes,
        by_features=torch.from_numpy(nearest_codes(codes, choices.neighbours)),
        by_text=torch.from_numpy(by_text),
        states=states,
        variants=torch.tensor([[numbers[text] for text in variants] for variants in texts]),
        empty=numbers[""],
        features=maps,
        held_out=_encode(autoencoder, held_out, machine)[0] if len(held_out) else None,
    )
    works = works_of(words)
    return Prepared(data, PaintingMemory(encoder, codes, works), words, sample, text_encoder)


def features_of(pixels: Pixels, memory: MemoryConfig, on_progress: Progress) -> tuple[Pixels, torch.Tensor]:
    """Returns features [n, 1280], and the pictures without those whose features could not be computed."""
    seen = image_vectors(
        pixels.entries, ImageFeatures(side=memory.side),
        lambda n, of: on_progress("seeing pictures", n / of, {}),
    )  # fmt: skip
    whole = np.flatnonzero(np.isfinite(seen).all(axis=1))
    if len(whole) < 2:
        raise ImpastoError("pocket needs at least two pictures that can be opened")
    kept = Pixels(
        [pixels.entries[n] for n in whole], [pixels.keys[n] for n in whole], pixels.width, pixels.height, pixels.store
    )
    return kept, torch.from_numpy(seen[whole].astype(np.float32))


@torch.inference_mode()
def _encode(autoencoder: AutoencoderKL, squares: np.ndarray, machine: Machine) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns means and deviations of the posteriors of squares uint8 [n, s, s, 3]."""
    torch.nn.Module.to(autoencoder, machine.device)
    means, deviations = [], []
    for start in range(0, len(squares), 64):
        with machine.autocast():  # bf16 changes latents by 1 to 2 % of their deviation, and takes half the time
            posterior = posterior_of(autoencoder, to_tensor(squares[start : start + 64]).to(machine.device))
        means.append(posterior.mean.float().cpu())
        deviations.append(posterior.std.float().cpu())
    scale: float = autoencoder.config["scaling_factor"]
    return torch.cat(means) * scale, torch.cat(deviations) * scale


def encode_both_ways(
    pixels: Pixels, autoencoder: AutoencoderKL, machine: Machine, on_progress: Progress = no_report
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns latents' means [2, n, c, h, w] of pictures and mirror images, and the mean deviation of each channel [c]."""
    found = []
    for mirrored, what in ((False, "encoding pictures"), (True, "encoding mirror images")):

        def encode(squares: np.ndarray, mirrored: bool = mirrored) -> tuple[np.ndarray, np.ndarray]:
            shown = squares[:, :, ::-1] if mirrored else squares
            mean, deviation = _encode(autoencoder, shown, machine)
            return mean.numpy(), deviation.numpy()

        found.append(
            prepare_latents(
                pixels, latents_key(autoencoder) + ("mirrored" if mirrored else ""), encode,
                cache_folder() / "mirrored" if mirrored else cache_folder(),
                channels=autoencoder.config["latent_channels"], factor=latent_factor(autoencoder.config),
                on_progress=lambda n, of, what=what: on_progress(what, n / of, {}),
            )
        )  # fmt: skip
    means = torch.stack([torch.from_numpy(np.stack(list(mean))) for mean, _ in found])
    picked = np.linspace(0, len(pixels.entries) - 1, min(512, len(pixels.entries))).astype(int)
    deviation = np.stack([found[0][1][int(n)] for n in picked])
    return means, torch.from_numpy(deviation).mean(dim=(0, 2, 3))


def _states(
    texts: Sequence[Sequence[str]],
    encoder: TextEncoder,
    choices: PocketChoices,
    machine: Machine,
    on_progress: Progress,
) -> tuple[torch.Tensor, dict[str, int], torch.Tensor]:
    """Returns states [texts, short_tokens, width] in fp16, the number of each text, and a sample of the states."""
    unique = list(dict.fromkeys(["", *(text for variants in texts for text in variants)]))

    def encode(batch: list[str]) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16, enabled=machine.mixed):
            return token_states(encoder.model, encoder.tokenizer, batch, choices.short_tokens).float().numpy()

    store = TextStates(
        unique, encoder.sha256, encode,
        cache_folder(), tokens=choices.short_tokens, width=encoder.width,
        on_progress=lambda n, of: on_progress("encoding texts", n / of, {}),
    )  # fmt: skip
    parts = [torch.from_numpy(store.states(unique[n : n + 4096])).half() for n in range(0, len(unique), 4096)]
    return torch.cat(parts), {text: n for n, text in enumerate(unique)}, torch.from_numpy(store.sample(3000))


class LongTextStates:
    """Computes states of long texts, drawn anew for every batch and encoded at the encoder's full length."""

    def __init__(self, words: Sequence[PictureWords], encoder: TextEncoder, machine: Machine, seed: int) -> None:
        self._words, self._encoder, self._machine, self._seed = words, encoder, machine, seed
        self._drawer = TextDrawer()
        encoder.model.to(machine.device)

    def __call__(self, numbers: np.ndarray, step: int) -> torch.Tensor:
        """Returns states [n, 77, width] of the pictures `numbers`; without numbers, of the empty text [1, 77, width]."""
        draw = random.Random(f"{self._seed}/{step}/long")
        texts = [self._drawer.draw(self._words[n], draw, long=True) for n in numbers.tolist()] or [""]
        with self._machine.autocast():
            return self._encoder.states(texts).float()


class ResidentLongTexts:
    """Holds states of a few long texts of every picture on the device, since a fast device would wait for new texts."""

    def __init__(
        self, words: Sequence[PictureWords], encoder: TextEncoder, machine: Machine, seed: int, variants: int = 4
    ) -> None:
        drawer = TextDrawer()
        texts = [
            drawer.draw(word, random.Random(f"{seed}/{word.entry.file_name}/long/{n}"), long=True)
            for word in words
            for n in range(variants)
        ]
        self._variants, self._device = variants, machine.device
        self._states = encode_resident([*texts, ""], encoder, encoder.max_tokens, machine)

    def __call__(self, numbers: np.ndarray, step: int) -> torch.Tensor:
        """Returns states as `LongTextStates` does."""
        if not len(numbers):
            return self._states[-1:].float()
        chosen = np.random.default_rng(step).integers(self._variants, size=len(numbers))
        places = torch.from_numpy(numbers * self._variants + chosen).to(self._device, non_blocking=True)
        return self._states[places].float()


def encode_resident(texts: Sequence[str], encoder: TextEncoder, tokens: int, machine: Machine) -> torch.Tensor:
    """Returns states [texts, tokens, width] in fp16, computed and kept on the machine's device."""
    encoder.model.to(machine.device)
    at_once = 32 if machine.device.type == "cpu" else 1024
    parts = []
    for start in range(0, len(texts), at_once):
        with machine.autocast():
            found = replace(encoder, max_tokens=tokens).states(list(texts[start : start + at_once]))
        parts.append(found.half())
    return torch.cat(parts)


def works_of(words: Sequence[PictureWords]) -> list[Work]:
    """Returns the pictures as works of a memory."""
    return [Work(word.entry.file_name, word.entry.artist, word.entry.title, word.caption) for word in words]
