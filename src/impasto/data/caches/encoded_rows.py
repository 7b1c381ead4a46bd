"""Counts the pictures and texts that a checkpoint must still encode, without loading its weights.

The cache's keys come from hashes of the encoders' weights. Code that has computed such a hash records it under the
checkpoint's content hash, which can be computed from the checkpoint's files alone.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from impasto.data.caches.row_cache import KEY_BYTES, content_key
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.files import write_atomically

Encoder = Literal["latents", "texts"]
_LOOKED_AT = 500  # pictures whose files are read; of more pictures, an evenly spaced sample is read


def note_encoder(cache: Path, content_hash: str, encoder: Encoder, key: str) -> None:
    """Records `key` as the cache key of the checkpoint's encoder (`latents` or `texts`)."""
    file = _file(cache, content_hash)
    known = _known(file)
    if known.get(encoder) != key:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps({**known, encoder: key}).encode())


def pictures_to_encode(
    cache: Path, content_hash: str, entries: Sequence[CatalogueEntry], side: int, factor: int = 8
) -> int:
    """Returns the number of pictures without cached latents for `side` px; exact for up to 500 pictures, else an estimate.

    One latent covers `factor` x `factor` px.
    """
    key = _known(_file(cache, content_hash)).get("latents")
    rows = _rows(cache, f"latents-{key[:16]}-*x{side // factor}") if key else set()
    if key is None or not rows:
        return len(entries)
    chosen = entries[:: -(-len(entries) // _LOOKED_AT)]
    missing = sum(_picture_key(entry, side, key) not in rows for entry in chosen)
    return round(missing * len(entries) / len(chosen))


def texts_to_encode(cache: Path, content_hash: str, texts: Collection[str]) -> int:
    """Returns the number of texts without cached token states."""
    key = _known(_file(cache, content_hash)).get("texts")
    rows = _rows(cache, f"texts-{key[:16]}-*") if key else set()
    return sum(key is None or content_key(text, key) not in rows for text in set(texts))


def _picture_key(entry: CatalogueEntry, side: int, key: str) -> bytes | None:
    try:
        return content_key(content_key(entry.file.read_bytes(), str(side)), key)
    except OSError:
        return None


def _rows(cache: Path, pattern: str) -> set[bytes]:
    """Returns the keys of all rows in the cache folders that match `pattern`."""
    found = b"".join(file.read_bytes() for file in cache.glob(f"{pattern}/keys.bin"))
    return {found[start : start + KEY_BYTES] for start in range(0, len(found), KEY_BYTES)}


def _file(cache: Path, content_hash: str) -> Path:
    return cache / "encoders" / f"{content_hash[:32]}.json"


def _known(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(key) for name, key in found.items()} if isinstance(found, dict) else {}
