"""Caches training pixels: a catalogue's pictures, decoded once and cropped to one size, in a memory-mapped array."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.pictures import fit, open_picture
from impasto.data.catalogue.read import Catalogue, CatalogueEntry
from impasto.data.catalogue.split import is_held_out
from impasto.errors import ImpastoError


@dataclass(frozen=True)
class Pixels:
    """Pictures in one size, `width` x `height` px, with their keys in the cache."""

    entries: list[CatalogueEntry]
    keys: list[bytes]
    width: int
    height: int
    store: RowCache

    def __len__(self) -> int:
        return len(self.entries)

    def batch(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the pixels of the entries with these numbers, uint8 [n, height, width, 3] in RGB.

        Raises:
            ImpastoError: a row is damaged in the cache, and its picture can no longer be opened or has been changed.
        """
        places = [int(number) for number in numbers]
        return self.store.rows(
            [self.keys[place] for place in places],
            lambda positions: np.stack([self._decode_again(places[position]) for position in positions]),
        )

    def _decode_again(self, place: int) -> np.ndarray:
        file = self.entries[place].file
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ImpastoError(f"{file} cannot be read: {error.strerror}") from None
        if _key(content, self.width, self.height) != self.keys[place]:
            raise ImpastoError(f"{file} has been changed since training began: give the same command again")
        return np.asarray(fit(open_picture(file, data=content), self.width, self.height), np.uint8)


def _key(content: bytes, width: int, height: int) -> bytes:
    return content_key(content, _crop(width, height))


def _crop(width: int, height: int) -> str:
    return str(width) if width == height else f"{width}x{height}"


def is_for_training(entry: CatalogueEntry) -> bool:
    """Returns whether a painting model should be trained on the entry.

    Excluded are held-out pictures, drawings and prints (`monochrome`), and pictures whose true aspect ratio is unknown
    (`square_stretched`). In a catalogue without these columns only held-out pictures are excluded.
    """
    marked = any(entry.extra.get(mark) == "1" for mark in ("monochrome", "square_stretched"))
    return not marked and not is_held_out(entry.file_name)


def training_entries(catalogue: Catalogue) -> list[CatalogueEntry]:
    """Returns the catalogue's entries that a painting model should be trained on.

    Raises:
        ImpastoError: there is no such entry.
    """
    entries = [entry for entry in catalogue.entries if is_for_training(entry)]
    if not entries:
        raise ImpastoError(f"{catalogue.folder} holds no picture to train on")
    return entries


def prepare_pixels(
    entries: Sequence[CatalogueEntry],
    size: int | tuple[int, int],
    cache: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Pixels, dict[str, str]]:
    """Decodes the pictures that are not in the cache yet, each to a centre crop of `size` px (a side, or width and height).

    Returns the pixels of all pictures that can be opened, and a dict from file name to reason for the others.
    `on_progress` is called with (done, total).
    """
    width, height = size if isinstance(size, tuple) else (size, size)
    store = RowCache(cache / f"pixels-{_crop(width, height)}", (height, width, 3), "uint8")
    broken: dict[str, str] = {}

    def key_of(entry: CatalogueEntry) -> bytes | None:
        try:
            return _key(entry.file.read_bytes(), width, height)
        except OSError as error:
            broken[entry.file_name] = str(error)
            return None

    def decode(entry: CatalogueEntry) -> np.ndarray | None:
        try:
            return np.asarray(fit(open_picture(entry.file), width, height), np.uint8)
        except ImpastoError as error:
            broken[entry.file_name] = str(error)
            return None

    with ThreadPoolExecutor() as pool:
        pairs = [(e, k) for e, k in zip(entries, pool.map(key_of, entries), strict=True) if k is not None]
        for start in range(0, len(pairs), 512):
            wanted = {k: e for e, k in pairs[start : start + 512] if k not in store}
            if wanted:
                made = list(pool.map(decode, wanted.values()))
                whole = [(k, m) for k, m in zip(wanted, made, strict=True) if m is not None]
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
    return Pixels([entry for entry, _ in usable], [key for _, key in usable], width, height, store), broken
