"""Cached sentence embeddings (MiniLM) of many texts, each computed once and kept in the user's cache."""

from collections.abc import Callable, Sequence

import numpy as np

from impasto.data.caches.row_cache import RowCache, content_key
from impasto.language.minilm_files import WIDTH
from impasto.language.sentence_encoder import sentence_encoder
from impasto.settings import cache_folder
from impasto.weights.content_hash import MINILM_SHA256

_CHUNK = 512


def sentence_rows(texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None) -> np.ndarray:
    """Returns unit vectors float32 [n, 384] of the texts.

    `on_progress` is called with (done, total), counting the texts that are not in the cache.
    """
    store = RowCache(cache_folder() / f"sentences-{MINILM_SHA256[:16]}", (WIDTH,), "float16")
    keys = [content_key(text) for text in texts]
    # Sorted, so that texts of similar length go through the encoder together.
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    sorted_keys = [keys[place] for place in order]

    def make(places: list[int]) -> np.ndarray:
        return sentence_encoder().vectors([texts[order[place]] for place in places], longest=64, batch=64)

    store.fill(sorted_keys, make, chunk=_CHUNK, on_progress=on_progress)
    rows = np.empty((len(texts), WIDTH), np.float32)
    rows[order] = store.rows(sorted_keys, make)
    return rows
