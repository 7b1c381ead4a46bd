"""Training pixels: every picture of a catalogue once decoded, as squares of one size in a memory-mapped array."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impasto.data.catalogue import Catalogue, CatalogueEntry
from impasto.data.pictures import fit_square, open_picture
from impasto.data.row_cache import RowCache, content_key
from impasto.data.split import is_held_out
from impasto.errors import ImpastoError


@dataclass(frozen=True)
class Pixels:
    """Entries and their squares: `squares[places[k]]` is entry k's, uint8 [size, size, 3] in RGB."""

    entries: list[CatalogueEntry]
    squares: np.ndarray
    places: np.ndarray
    keys: list[bytes]

    def batch(self, numbers: np.ndarray) -> np.ndarray:
        """The squares [n, size, size, 3] of these entries."""
        return self.squares[self.places[numbers]]


def is_for_training(entry: CatalogueEntry) -> bool:
    """Whether a painting model should learn from the entry.

    Left out are the held-out pictures, drawings and prints (`monochrome`) and pictures whose true aspect is unknown
    (`square_stretched`); catalogues without these columns lose nothing.
    """
    marked = any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    return not marked and not is_held_out(entry.file_name)


def training_entries(catalogue: Catalogue) -> list[CatalogueEntry]:
    """The catalogue's entries that a painting model should learn from.

    Raises:
        ImpastoError: there is none.
    """
    entries = [entry for entry in catalogue.entries if is_for_training(entry)]
    if not entries:
        raise ImpastoError(f"{catalogue.folder} holds no picture to train on")
    return entries


def prepare_pixels(
    entries: Sequence[CatalogueEntry],
    size: int,
    cache: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Pixels, dict[str, str]]:
    """Decodes what is not in the cache yet: short side to `size`, centre crop, one square per entry.

    Returns the pixels of all pictures that can be opened, and for the others file name -> reason.
    """
    store = RowCache(cache / f"pixels-{size}", (size, size, 3), "uint8")
    broken: dict[str, str] = {}

    def key_of(entry: CatalogueEntry) -> bytes | None:
        try:
            return content_key(entry.file.read_bytes(), str(size))
        except OSError as error:
            broken[entry.file_name] = str(error)
            return None

    def decode(entry: CatalogueEntry) -> np.ndarray | None:
        try:
            return np.asarray(fit_square(open_picture(entry.file), size), np.uint8)
        except ImpastoError as error:
            broken[entry.file_name] = str(error)
            return None

    with ThreadPoolExecutor() as pool:
        pairs = [(e, k) for e, k in zip(entries, pool.map(key_of, entries), strict=True) if k is not None]
        for start in range(0, len(pairs), 512):
            wanted = [(e, k) for e, k in pairs[start : start + 512] if k not in store]
            if wanted:
                made = list(pool.map(decode, [e for e, _ in wanted]))
                whole = [(k, m) for (_, k), m in zip(wanted, made, strict=True) if m is not None]
                squares = [square for _, square in whole]
                if whole:
                    store.fill(
                        [key for key, _ in whole],
                        lambda positions, squares=squares: np.stack([squares[p] for p in positions]),
                        chunk=512,
                    )
            if on_progress is not None:
                on_progress(min(start + 512, len(pairs)), len(pairs))
    usable = [(e, k) for e, k in pairs if k in store]
    if not usable:
        raise ImpastoError("no picture of the catalogue can be opened")
    keys = [key for _, key in usable]
    return Pixels([entry for entry, _ in usable], store.array(), store.places(keys), keys), broken
