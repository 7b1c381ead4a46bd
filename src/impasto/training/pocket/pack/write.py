"""Writes a pack: one folder of limited size, in which the pictures take the space that the rest leaves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from impasto.checkpoints.memory import MemoryConfig, MemoryEncoder
from impasto.data.caches.pixels import prepare_pixels, training_entries
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import UsageError
from impasto.files import replace_folder
from impasto.settings import cache_folder
from impasto.training.loop.progress import Progress, no_report
from impasto.training.pocket.data import neighbours_by_text
from impasto.training.pocket.pack.carried import carry_software
from impasto.training.pocket.pack.squares import LEVELS, all_as_webp, quality_for
from impasto.training.pocket.pack.text_encoder import pack_text_encoder
from impasto.training.pocket.pack.words import words_to_bytes
from impasto.training.pocket.prepare import HELD_OUT, features_of
from impasto.training.pocket.texts import TextDrawer, words_of_catalogue
from impasto.training.recipes.pocket import check_size, held_out_squares
from impasto.vision.scorers.pocket import PocketScorer

MOST = 60_000_000  # bytes
PROMPTS = (
    "wheat field with cypresses, by Vincent van Gogh", "boats at sunset, by Claude Monet",
    "portrait of an old man, by Rembrandt", "mountains at dawn, by Nicholas Roerich",
    "portrait of a woman, by Gustav Klimt", "ships on a stormy sea, by Ivan Aivazovsky",
    "portrait of a young girl, by Pierre-Auguste Renoir", "village street in the snow, by Alfred Sisley",
)  # fmt: skip
_TEXTS_FOR_VOCABULARY = 8  # long texts of each picture, besides the short ones

README = """# Pocket's training, packed

    python train.py --minutes 9 --out OUT        # --device auto, --precision auto, --seed 0, --subset N; --tiny for a test

It needs torch >= 2.9, transformers, accelerate, peft, safetensors, numpy and Pillow, and no network. The minutes count from
the start of Python. OUT gets `weights-<n>.bin` (rewritten every minute), `log.json` and `sheet.png`: at most 8 files below
16 MiB. `impasto train pocket --unpack OUT --run RUN` makes a checkpoint of it.

{count} training squares of {size} px (WebP, quality {quality}), {held_out} held-out ones, MiniLM in int8 with {words} of its
tokens, EfficientNet-Lite2 in fp16, and the packages in `packages/` under their own licences.
"""


@dataclass(frozen=True)
class PackReport:
    """The size and content of a written pack."""

    folder: Path
    pictures: int
    quality: int
    bytes: int


def write_pack(
    catalogue: Path,
    folder: Path,
    *,
    size: int = 128,
    count: int | None = None,
    most: int = MOST,
    memory: MemoryConfig | None = None,
    neighbours: int = 16,
    variants: int = 6,
    on_progress: Progress = no_report,
) -> PackReport:
    """Writes the pack of a catalogue's training pictures, or of `count` of them, evenly spread.

    Raises:
        UsageError: it does not fit into `most` bytes; the folder holds something else.
        ImpastoError, MissingPart: no usable picture; a package that the pack must contain is not installed.
    """
    check_size(size)
    if folder.exists() and any(folder.iterdir()) and not (folder / "train.py").is_file():
        raise UsageError(f"--pack {folder} holds something else: give a new or empty folder")
    rows = read_catalogue(catalogue, check_images=False)
    entries = training_entries(rows)
    if count is not None and count < len(entries):
        entries = [entries[n] for n in np.linspace(0, len(entries) - 1, count).astype(int)]
    pixels, _ = prepare_pixels(
        entries, size, cache_folder(), on_progress=lambda n, of: on_progress("decoding pictures", n / of, {})
    )
    config = memory or MemoryConfig()
    pixels, features = features_of(pixels, config, on_progress)
    words = words_of_catalogue(catalogue, pixels.entries)
    drawer = TextDrawer()
    texts = [drawer.variants(word, variants) for word in words]
    tensors, prompts_works = _likeness(features, texts, [e.artist for e in pixels.entries], config, neighbours)
    held_out = held_out_squares(rows, size, HELD_OUT)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder(folder) as made:
        on_progress("carrying packages", 0.0, {})
        carry_software(made / "packages")
        (made / "train.py").write_bytes((Path(__file__).parent / "start.py").read_bytes())
        (made / "words.jsonl.xz").write_bytes(words_to_bytes(words))
        long_texts = [text for word in words for text in _long(drawer, word)]
        pack_text_encoder(made / "minilm", [*(t for row in texts for t in row), *long_texts, *PROMPTS])
        used = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        left = most - used - sum(t.nbytes for t in tensors.values()) - 8 * (len(words) + HELD_OUT) - 20_000
        total = len(pixels) + len(held_out)
        quality = quality_for(len(pixels), pixels.batch, int(left * len(pixels) / total))
        ends = []
        for name, number, batch in (
            ("squares", len(pixels), pixels.batch), ("held_out", len(held_out), lambda places: held_out[places])
        ):  # fmt: skip
            ends.append(_write_squares(made / f"{name}.webps", number, batch, quality, on_progress))
        tensors |= {"square_ends": ends[0], "held_out_ends": ends[1]}
        told = {
            "size": size, "quality": quality, "variants": variants, "components": config.components,
            "prompts": list(PROMPTS), "prompts_works": prompts_works,
        }  # fmt: skip
        (made / "data.safetensors").write_bytes(save(tensors, {"impasto": json.dumps(told)}))
        text = README.format(
            count=len(pixels), size=size, quality=quality, held_out=len(held_out), words=_tokens(made / "minilm")
        )
        (made / "README.md").write_text(text, "utf-8")
        whole = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        if whole > most:
            raise UsageError(f"the pack takes {whole / 1e6:.1f} MB of {most / 1e6:.0f}: pack fewer pictures")
    return PackReport(folder, len(pixels), quality, whole)


def _likeness(
    features: torch.Tensor, texts: Sequence[Sequence[str]], artists: list[str], config: MemoryConfig, neighbours: int
) -> tuple[dict[str, torch.Tensor], list[list[int]]]:
    """Returns principal components of the features and neighbours by text, and the works found by the sheet's prompts."""
    encoder = MemoryEncoder(config, features.shape[1])
    encoder.fit(features, torch.zeros(2, 2 * config.latent_channels))
    components = encoder.codes(features, torch.zeros(len(features), 2 * config.latent_channels))[:, : config.components]
    scorer = PocketScorer()
    shown = scorer.project(features.numpy())
    by_text = neighbours_by_text(scorer.embed_texts([row[0] for row in texts]), shown, artists, neighbours)
    small = torch.int16 if len(features) < 2**15 else torch.int32
    tensors = {
        "components": (components * LEVELS).round().to(torch.int8),
        "mean": encoder.mean.clone(),
        "basis": encoder.basis.half(),
        "by_text": torch.from_numpy(by_text).to(small),
    }
    found = []
    for prompt, vector in zip(PROMPTS, scorer.embed_texts(list(PROMPTS)), strict=True):
        own = np.array([bool(artist) and artist in prompt for artist in artists])
        likeness = shown @ vector + 4.0 * own
        found.append(np.argsort(-likeness)[: config.neighbours].tolist())
    return tensors, found


def _long(drawer: TextDrawer, word: Any) -> list[str]:
    import random

    return [
        drawer.draw(word, random.Random(f"vocabulary/{word.entry.file_name}/{n}"), long=True)
        for n in range(_TEXTS_FOR_VOCABULARY)
    ]


def _write_squares(path: Path, count: int, batch: Any, quality: int, on_progress: Progress) -> torch.Tensor:
    """Writes pictures one after the other; returns the end position of each, int32 [count]."""
    ends: list[int] = []
    with path.open("wb") as file:
        for number, data in enumerate(all_as_webp(count, batch, quality) if count else ()):
            file.write(data)
            ends.append(file.tell())
            if number % 512 == 0:
                on_progress("packing pictures", number / count, {})
    return torch.tensor(ends, dtype=torch.int32)


def _tokens(folder: Path) -> int:
    from impasto.training.pocket.pack.text_encoder import vocabulary_of

    return vocabulary_of(folder)
