"""Caches the training data of a denoiser: latent posteriors of the pictures and token states of the texts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from impasto.data.caches.pixels import Pixels
from impasto.data.caches.row_cache import RowCache, content_key

# Batch size of the text encoder: on a CPU a larger one is no faster, and encoding would take more memory than training.
TEXTS_AT_ONCE = 32

Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # uint8 [n,s,s,3] -> mean, deviation, each [n,c,h,w]


class PosteriorRows(Sequence[np.ndarray]):
    """The means or the deviations of pictures' latent posteriors, each float32 [c, h, w], read from disk on access.

    For all of WikiArt at 512 px they take 10 GB, too much to hold in each of several processes on a machine.
    """

    def __init__(self, rows: Sequence[tuple[RowCache, bytes]], part: int) -> None:
        """`rows`: for each picture, the cache and the key of [mean, deviation]; `part`: 0 for means, 1 for deviations."""
        self._rows, self._part = rows, part

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> "PosteriorRows": ...

    def __getitem__(self, index: int | slice) -> "np.ndarray | PosteriorRows":
        """Raises ImpastoError if the row was damaged on disk since the start."""
        if isinstance(index, slice):
            return PosteriorRows(self._rows[index], self._part)
        store, key = self._rows[index]
        return store.rows([key])[0, self._part].astype(np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def __add__(self, others: "PosteriorRows") -> "PosteriorRows":
        return PosteriorRows([*self._rows, *others._rows], self._part)


def prepare_latents(
    pixels: Pixels,
    encoder_key: str,
    encode: Encode,
    cache: Path,
    *,
    channels: int,
    factor: int = 8,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[PosteriorRows, PosteriorRows]:
    """Returns the latent posteriors of the pictures: means and standard deviations.

    Each mean and deviation is float32 [channels, height / factor, width / factor]. A row's key is made of the picture's
    content and `encoder_key`, the hash of the encoder's weights: only edited pictures, or pictures with a retrained encoder,
    are encoded again. The cache keeps mean and deviation, not one sample, so that training can draw another latent each time
    (the Gaussian above equation 17 of wu2022). `on_progress` is called with (done, total).
    """
    height, width = pixels.height // factor, pixels.width // factor
    sides = str(height) if height == width else f"{height}x{width}"
    store = RowCache(cache / f"latents-{encoder_key[:16]}-{channels}x{sides}", (2, channels, height, width), "float16")
    keys = [content_key(key, encoder_key) for key in pixels.keys]

    def make(positions: list[int]) -> np.ndarray:
        mean, deviation = encode(pixels.batch(np.array(positions)))
        return np.stack([mean, deviation], axis=1)

    store.check(keys)
    store.fill(keys, make, chunk=64, on_progress=on_progress)
    rows = [(store, key) for key in keys]
    return PosteriorRows(rows, 0), PosteriorRows(rows, 1)


class TextStates:
    """Cached token states of texts, each text encoded once: `states(texts)` returns float32 [n, tokens, width]."""

    def __init__(
        self,
        texts: Sequence[str],
        encoder_key: str,
        encode: Callable[[list[str]], np.ndarray],
        cache: Path,
        *,
        tokens: int,
        width: int,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._store = RowCache(cache / f"texts-{encoder_key[:16]}-{tokens}x{width}", (tokens, width), "float16")
        self._keys = {text: content_key(text, encoder_key) for text in sorted(set(texts))}
        unique = list(self._keys)
        keys = list(self._keys.values())
        self._store.check(keys)
        self._store.fill(keys, lambda rows: encode([unique[n] for n in rows]), chunk=TEXTS_AT_ONCE, on_progress=on_progress)

    def states(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the states of texts that were given to the constructor: float32 [n, tokens, width].

        Raises:
            ImpastoError: the states were damaged on disk since the start.
        """
        return self._store.rows([self._keys[text] for text in texts]).astype(np.float32)

    def sample(self, count: int) -> np.ndarray:
        """Returns the states of at most `count` of all texts, evenly spaced in their order: float32 [n * tokens, width]."""
        texts = list(self._keys)
        picked = texts[:: max(1, len(texts) // count)][:count]
        states = self.states(picked)
        return states.reshape(-1, states.shape[-1])
