"""The control maps of training pictures, made from the pictures themselves and cached."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.errors import ImpastoError, UsageError
from impasto.settings import cache_folder
from impasto.training.loop.progress import Progress, no_report
from impasto.vision.control_maps.makers import MAP, MapMaker

_AT_ONCE = 32


class ControlMaps:
    """The maps of pictures, uint8 RGB of the pictures' size, each made once and kept in the cache."""

    def __init__(
        self, entries: Sequence[CatalogueEntry], size: int, maker: MapMaker, on_progress: Progress = no_report
    ) -> None:
        """Makes the maps that are not in the cache yet.

        Args:
            size: pixels of a side of the square crops, as in training.

        Raises:
            UsageError: the maker is `map`: a catalogue holds pictures, not maps.
            MissingPart, ImpastoError: as the maker; no picture can be opened.
        """
        if maker.spec.name == MAP:
            raise UsageError("--condition map: the maps are made from the pictures: name a maker, such as scribble or canny")
        pixels, _ = prepare_pixels(entries, size, cache_folder())
        if [entry.file_name for entry in pixels.entries] != [entry.file_name for entry in entries]:
            raise ImpastoError("a picture can no longer be opened: give the same command again")
        self._pixels, self._maker = pixels, maker
        self._keys = [content_key(key, str(maker)) for key in pixels.keys]
        self._store = RowCache(cache_folder() / f"control-{maker.spec.name}-{size}", (size, size, 3), "uint8")
        self._store.fill(
            self._keys, self._make, chunk=_AT_ONCE, on_progress=lambda n, of: on_progress("making maps", n / of, {})
        )

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def pixels(self) -> Pixels:
        """The pictures."""
        return self._pixels

    def batch(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the maps of the pictures with these numbers, uint8 [n, size, size, 3]."""
        places = [int(number) for number in numbers]
        keys = [self._keys[place] for place in places]
        return self._store.rows(keys, lambda positions: self._make([places[p] for p in positions]))

    def _make(self, places: list[int]) -> np.ndarray:
        return np.stack([self._map_of(square) for square in self._pixels.batch(np.asarray(places))])

    def _map_of(self, square: np.ndarray) -> np.ndarray:
        try:
            return np.asarray(self._maker(Image.fromarray(square)))
        except ImpastoError as error:
            if isinstance(error, UsageError) or "no strokes" not in str(error):
                raise
            return np.zeros_like(square)  # an empty map says that nothing is known of the picture


def as_hint(maps: np.ndarray) -> torch.Tensor:
    """Returns maps uint8 [n, h, w, 3] as a ControlNet takes them: float [n, 3, h, w] in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(maps)).permute(0, 3, 1, 2).float() / 255


def condition_name(maker: MapMaker) -> str:
    """Returns what a run's card says of its condition: the maker as it is typed, without a folder of this machine."""
    return str(maker).partition("@")[0]

