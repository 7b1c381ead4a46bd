"""The training set of a checkpoint: a catalogue's pictures encoded as latents, and their texts as text encoder states."""

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from impasto.checkpoints.components import Components
from impasto.checkpoints.size import latent_factor
from impasto.data.caches.encoded_rows import note_encoder
from impasto.data.caches.latents import PosteriorRows, TextStates, prepare_latents
from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.read import Catalogue, read_catalogue
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError, UsageError
from impasto.prompts.artists import Artist, ArtistIndex
from impasto.prompts.condition import Condition
from impasto.settings import cache_folder
from impasto.training.examples.aspect_buckets import in_buckets
from impasto.training.loop.progress import Progress, no_report

# Texts per picture: two if their states are kept in the cache, more if they are computed in every step anyway. An untrained
# encoder that sees the same two texts in every epoch soon memorises the pictures by their titles.
TEXT_VARIANTS = 2
UNCACHED_TEXT_VARIANTS = 16
MOST_CAPTIONS = 16  # of one picture that training uses
# Pixels through the VAE at once: 16 pictures of 128 px, or one of 512 px, for which Stable Diffusion's VAE takes 0.5 GB.
# With 64 pictures a CPU takes a fifth longer, and encoding should not take more memory than training.
_PIXELS_AT_ONCE = 16 * 128**2


@dataclass(frozen=True)
class TrainingSet:
    """Encoded pictures and their texts.

    Attributes:
        entries: the pictures.
        mean, deviation: of their posteriors, scaled as the U-Net sees them, each float32 [c, h, w].
        texts: for each picture, the texts it is trained with.
    """

    entries: list[CatalogueEntry]
    mean: Sequence[np.ndarray] | np.ndarray
    deviation: Sequence[np.ndarray] | np.ndarray
    texts: list[list[str]]

    def posteriors(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean and deviation of pictures of one shape, float32 [n, c, h, w] each."""
        return np.stack([self.mean[n] for n in numbers]), np.stack([self.deviation[n] for n in numbers])

    def buckets(self) -> list[list[int]]:
        """Returns the numbers of the pictures of each shape."""
        found: dict[tuple[int, ...], list[int]] = {}
        for number, mean in enumerate(self.mean):
            found.setdefault(mean.shape, []).append(number)
        return list(found.values())

    @property
    def all_texts(self) -> list[str]:
        """The empty text and every other text, each once."""
        return list(dict.fromkeys(["", *(text for variants in self.texts for text in variants)]))


def condition_of(entry: CatalogueEntry, number: int = 0) -> Condition:
    """Returns the condition of a catalogue's entry: its caption, or else its title, with artist, year, style and genre.

    Of several captions of the picture, it has the one with this number; the numbers begin again after the last.
    """
    captions = (entry.caption, *entry.variants)
    return Condition(
        caption=captions[number % len(captions)] or entry.title,
        artist=entry.artist,
        year=entry.year,
        style=entry.style,
        genre=entry.genre,
    )


def text_variants(entry: CatalogueEntry, count: int = TEXT_VARIANTS) -> list[str]:
    """Returns `count` texts of the entry, each with another random subset of its fields, the same in every run.

    An entry with more captions than that has a text for each, up to `MOST_CAPTIONS`.
    """
    count = max(count, min(1 + len(entry.variants), MOST_CAPTIONS))
    return [
        condition_of(entry, number).drop(random.Random(f"{entry.file_name}/{number}"), all_probability=0.0).text()
        for number in range(count)
    ]


def triggered(data: TrainingSet, trigger: str) -> TrainingSet:
    """Returns the same pictures with the trigger words `trigger` before every text; "" changes nothing."""
    if not trigger:
        return data
    return replace(data, texts=[[", ".join(filter(None, (trigger, text))) for text in texts] for texts in data.texts])


def lacking_texts(data: TrainingSet) -> str:
    """Returns a sentence that describes which texts or captions the pictures lack; "" if none are missing."""
    silent = sum(not any(texts) for texts in data.texts)
    if silent:
        missing = f"texts: {silent} of {len(data.texts)} pictures have no caption, title, artist or year"
    elif not any(entry.caption for entry in data.entries):
        missing = "captions: no picture has one, and titles stand for them"
    else:
        return ""
    return f"{missing}; `impasto data caption` writes captions"


def weights_key(model: torch.nn.Module) -> str:
    """Returns the SHA-256 of a module's weights, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def latents_key(autoencoder: AutoencoderKL) -> str:
    """Returns the hash of the encoder and its last convolution, which determine latents; training the decoder keeps it."""
    parts = [weights_key(autoencoder.encoder)]
    if autoencoder.quant_conv is not None:
        parts.append(weights_key(autoencoder.quant_conv))
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def entries_of(catalogue: Path, artist: str = "", *, held_out: bool = False) -> list[CatalogueEntry]:
    """Returns the catalogue's pictures that are in colour and not stretched, all or one artist's, held out or not.

    The artist may be given as for `impasto paint --artist`.

    Raises:
        UsageError: the catalogue has no such artist.
        ImpastoError: there is no picture.
    """
    return chosen_entries(read_catalogue(catalogue, check_images=False), artist, held_out=held_out)


def chosen_entries(catalogue: Catalogue, artist: str = "", *, held_out: bool = False) -> list[CatalogueEntry]:
    """Like `entries_of`, for a catalogue that has been read.

    Raises:
        UsageError, ImpastoError: as `entries_of`.
    """
    usable = [
        entry
        for entry in catalogue.entries
        if not any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    ]
    if artist:
        counts: dict[str, int] = {}
        for entry in usable:
            if entry.artist:
                counts[entry.artist] = counts.get(entry.artist, 0) + 1
        name = ArtistIndex([Artist(name=name, works=works) for name, works in counts.items()]).resolve(artist).name
        usable = [entry for entry in usable if entry.artist == name]
    chosen = [entry for entry in usable if is_held_out(entry.file_name) == held_out]
    if not chosen:
        of_whom = f" of {artist}" if artist else ""
        why = f": what it has ({len(usable)}) is held out for judging" if usable and not held_out else ""
        raise ImpastoError(f"{catalogue.folder} holds no picture{of_whom} to train on{why}")
    return chosen


def repeated(entries: Sequence[CatalogueEntry]) -> list[CatalogueEntry]:
    """Returns each entry as often as its repeats ask for, in proportion to the others: repeats of 10 and 20 are 1 and 2."""
    common = math.gcd(*(entry.repeats for entry in entries)) or 1
    return [entry for entry in entries for _ in range(entry.repeats // common)]


def pictures_at_once(size: int) -> int:
    """Returns how many pictures of `size` px go through the VAE together."""
    return max(1, _PIXELS_AT_ONCE // size**2)


def encode_training_set(
    entries: Sequence[CatalogueEntry],
    components: Components,
    size: int,
    *,
    variants: int = TEXT_VARIANTS,
    aspect_buckets: bool = False,
    on_progress: Progress = no_report,
) -> TrainingSet:
    """Encodes pictures of `size` px, or of about that area, by the checkpoint's VAE; each only once, cached by content.

    Raises:
        UsageError: this VAE does not support the size.
        ImpastoError: no picture can be opened.
    """
    check_size(size, components)
    entries = repeated(entries)
    if not aspect_buckets:
        pixels, mean, deviation = _encode(entries, components, (size, size), on_progress)
        return TrainingSet(pixels.entries, mean, deviation, [text_variants(e, variants) for e in pixels.entries])
    used: list[CatalogueEntry] = []
    means, deviations = PosteriorRows([], 0), PosteriorRows([], 1)
    for shape, members in in_buckets(entries, size, latent_factor(components.vae.config)).items():
        try:
            pixels, mean, deviation = _encode(members, components, shape, on_progress)
        except ImpastoError:  # no picture of this bucket can be opened; each has been reported
            continue
        used += pixels.entries
        means, deviations = means + mean, deviations + deviation
    if not used:
        raise ImpastoError("no picture of the catalogue can be opened")
    return TrainingSet(used, means, deviations, [text_variants(entry, variants) for entry in used])


def check_size(size: int, components: Components) -> None:
    """Raises UsageError if the checkpoint has no latents for pictures of `size` px."""
    step = 4 * latent_factor(components.vae.config)  # a U-Net halves latents twice or more
    if size % step or not step <= size <= 2048:
        raise UsageError(f"size {size}: use a multiple of {step} from {step} to 2048")


def _encode(
    entries: Sequence[CatalogueEntry], components: Components, shape: tuple[int, int], on_progress: Progress
) -> tuple[Pixels, PosteriorRows, PosteriorRows]:
    """Returns pictures cropped to a width and a height in px, with mean and deviation of their posteriors."""
    vae: Any = components.vae
    pixels, broken = prepare_pixels(
        entries, shape, cache_folder(), on_progress=lambda n, of: on_progress("decoding pictures", n / of, {})
    )
    for name, reason in broken.items():
        on_progress(f"skipped {name}: {reason}", 1.0, {})
    scale, shift = float(vae.config["scaling_factor"]), float(vae.config.get("shift_factor") or 0.0)

    @torch.inference_mode()
    def encode(squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pictures = torch.from_numpy(np.ascontiguousarray(squares)).permute(0, 3, 1, 2)
        found = []
        for part in pictures.split(pictures_at_once(math.isqrt(shape[0] * shape[1]))):
            posterior = vae.encode(part.to(vae.device, vae.dtype) / 127.5 - 1).latent_dist
            found.append((((posterior.mean - shift) * scale).float().cpu(), (posterior.std * scale).float().cpu()))
        means, deviations = zip(*found, strict=True)
        return torch.cat(means).numpy(), torch.cat(deviations).numpy()

    key = hashlib.sha256(f"{latents_key(vae)}/{scale}/{shift}".encode()).hexdigest()
    note_encoder(cache_folder(), components.content_hash, "latents", key)
    mean, deviation = prepare_latents(
        pixels,
        key,
        encode,
        cache_folder(),
        channels=int(vae.config["latent_channels"]),
        factor=latent_factor(vae.config),
        on_progress=lambda n, of: on_progress("encoding pictures", n / of, {}),
    )
    return pixels, mean, deviation


def encode_texts(texts: Sequence[str], components: Components, on_progress: Progress = no_report) -> TextStates:
    """Returns the token states of all texts by the checkpoint's text encoder, each computed once and cached."""
    encoder: Any = components.text_encoder
    width = int(encoder.config.hidden_size)
    key = hashlib.sha256(f"{weights_key(encoder)}/{components.max_tokens}".encode()).hexdigest()
    note_encoder(cache_folder(), components.content_hash, "texts", key)
    return TextStates(
        texts,
        key,
        lambda batch: components.encode_text(batch).float().cpu().numpy(),
        cache_folder(),
        tokens=components.max_tokens,
        width=width,
        on_progress=lambda n, of: on_progress("encoding texts", n / of, {}),
    )
