"""Builds a memory from a folder of pictures, to replace a checkpoint's own.

Any artist's works become a style in this way, with no training.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from impasto.checkpoints.memory import MemoryEncoder, PaintingMemory, Work, to_grid
from impasto.data.annotations.log import content_of
from impasto.data.caches.image_vectors import image_vectors
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError
from impasto.painting.memory.codes import encoder_key, features_for, moments_of
from impasto.settings import cache_folder

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

OnPictures = Callable[[int, int], None]  # called with (pictures encoded, total)


@dataclass(frozen=True)
class FolderMemory:
    """A memory built from a folder of pictures, and the files that could not be used."""

    memory: PaintingMemory
    skipped: list[Skipped] = field(default_factory=list)


def read_folder_memory(
    folder: Path, encoder: MemoryEncoder, components: "Components", on_pictures: OnPictures | None = None
) -> FolderMemory:
    """Builds the memory of a folder: a catalogue or bare pictures. The inputs of each picture's code are computed once and
    kept in the cache.

    Raises:
        ImpastoError: no such folder, or no picture in it that can be used.
        MissingPart: the packages that compute picture features are not installed.
    """
    catalogue = read_catalogue(folder, check_images=False)
    report = CatalogueReport(skipped=list(catalogue.report.skipped))
    half = _half_of(on_pictures, 0.0)
    vectors = image_vectors(catalogue.entries, features_for(encoder.config), half, report=report)
    seen = [n for n in range(len(vectors)) if np.isfinite(vectors[n]).all()]
    if not seen:
        first = report.skipped[0] if report.skipped else None
        raise ImpastoError(f"{folder} holds no picture that can be read" + (f" ({first.file_name}: {first.reason})" if first
                                                                           else ""))  # fmt: skip
    entries = [catalogue.entries[n] for n in seen]
    moments = _moments(entries, components, _half_of(on_pictures, 0.5))
    with torch.inference_mode():
        codes = to_grid(encoder.codes(torch.from_numpy(vectors[seen].astype(np.float32)), torch.from_numpy(moments)))
    works = [Work(entry.file_name, entry.artist, entry.title, entry.caption) for entry in entries]
    return FolderMemory(PaintingMemory(encoder, codes, works), report.skipped)


def folder_hash(folder: Path) -> str:
    """Returns the SHA-256, hexadecimal, over the pictures of a folder and their texts. It identifies the folder's memory and
    needs no model.

    Raises:
        ImpastoError: no such folder, or nothing usable in it.
    """
    digest = hashlib.sha256()
    for entry in read_catalogue(folder, check_images=False).entries:
        try:
            content = content_of(entry.file)
        except ImpastoError:
            continue
        row = (entry.file_name, entry.artist, entry.title, entry.caption, content)
        digest.update(("\0".join(row) + "\n").encode())
    return digest.hexdigest()


def _moments(entries: list[CatalogueEntry], components: "Components", on_pictures: OnPictures | None) -> np.ndarray:
    key = encoder_key(components)
    width = 2 * int(components.vae.config["latent_channels"])
    store = RowCache(cache_folder() / f"memory-moments-{key[:16]}-{width}", (width,), "float32")
    keys = [content_key(content_of(entry.file), key) for entry in entries]

    def make(places: list[int]) -> np.ndarray:
        return moments_of(components, [open_picture(entries[place].file) for place in places]).numpy()

    store.check(keys)
    store.fill(keys, make, chunk=16, on_progress=on_pictures)
    return np.array(store.rows(keys, make))


def _half_of(on_pictures: OnPictures | None, before: float) -> OnPictures | None:
    """Returns a callback that maps the progress of one half of the work, which begins at `before`, to the whole."""
    if on_pictures is None:
        return None
    return lambda done, of: on_pictures(round(of * (before + done / of / 2)), of)
