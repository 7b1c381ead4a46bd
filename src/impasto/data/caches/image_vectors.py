"""Cached embeddings of a catalogue's pictures, each computed once per content and encoder.

Filter, search and tagging share them.
"""

import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from impasto.data.annotations.log import content_of
from impasto.data.caches.large_arrays import large_array
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.data.shards.member import ShardMember
from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.spreading import HERE, Spread, Unit, results, unit_key
from impasto.vision.scorers.interface import ImageEncoder, Projecting, expect_pictures

CHUNK = 64  # pictures whose vectors go to disk together: a kill loses at most these
GATHERED = 4096  # rows that are copied together from the cache


def image_vectors(
    entries: Sequence[CatalogueEntry],
    encoder: ImageEncoder,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    report: CatalogueReport | None = None,
    dtype: Literal["float32", "float16"] | None = None,
    spread: Spread = HERE,
) -> np.ndarray:
    """Returns the encoder's vectors of the entries' pictures, [n, width] of `dtype`; NaN for pictures that cannot be read.

    Without `dtype` the encoder's `stored_as` is used, or float32 if it has none. More than 256 MiB are memory-mapped.

    Vectors are kept in the user's cache by the picture's content and the encoder's identity. Only edited pictures, or
    pictures with another encoder, are encoded again, and a killed job can be resumed. Pictures are opened in threads while
    the encoder works. A picture that cannot be read is added to `report`. `on_progress` is called with (done, total).
    With another `spread`, chunks of pictures are encoded by its workers, and kept in this machine's cache.

    Raises:
        ImpastoError: the cache cannot be written, or the workers cannot encode.
    """
    if isinstance(encoder, Projecting):
        return encoder.project(image_vectors(entries, encoder.features, on_progress, report=report, spread=spread))
    kept_as: str = dtype or getattr(encoder, "stored_as", "float32")
    keys: dict[int, bytes] = {}
    reasons: dict[int, str] = {}
    with _threads() as pool:
        for n, (key, reason) in enumerate(pool.map(lambda entry: _key(entry, encoder), entries)):
            if reason:
                reasons[n] = reason
            else:
                keys[n] = key
        try:
            store = _cache_of(encoder, kept_as, entries)
            store.check(keys.values())
            missing = [n for n, key in keys.items() if key not in store]
            expect_pictures(encoder, len(missing))
            if spread is not HERE:
                _embed_elsewhere(entries, missing, encoder, store, keys, reasons, on_progress, spread)
                missing = []
            opened = _opened_in_order(pool, entries, missing, encoder)
            for start in range(0, len(missing), CHUNK):
                _embed(islice(opened, CHUNK), encoder, store, keys, reasons)
                if on_progress is not None:
                    on_progress(min(start + CHUNK, len(missing)), len(missing))
        except OSError as error:
            raise ImpastoError(f"{cache_folder()} cannot be written: {error.strerror}") from None
    if report is not None:
        report.skipped += [Skipped(entries[n].file_name, reason) for n, reason in sorted(reasons.items())]
    return _gathered(store, [None if n in reasons else keys.get(n) for n in range(len(entries))])


def _gathered(store: RowCache, keys: Sequence[bytes | None]) -> np.ndarray:
    """Returns the rows of the keys, NaN where there is no key; too many for the memory are copied to a file."""
    try:
        vectors = large_array((len(keys), *store.shape), store.dtype.str, cache_folder())
    except OSError as error:
        raise ImpastoError(f"{cache_folder()} cannot be written: {error.strerror}") from None
    for start in range(0, len(keys), GATHERED):
        part = vectors[start : start + GATHERED]
        part[:] = np.nan
        known = [(row, key) for row, key in enumerate(keys[start : start + GATHERED]) if key is not None]
        if known:
            part[[row for row, _ in known]] = store.array()[store.places([key for _, key in known])]
    return vectors


def _cache_of(encoder: ImageEncoder, dtype: str, entries: Sequence[CatalogueEntry]) -> RowCache:
    """Returns the cache of an encoder. A cache holds all its keys in memory, so each shard has its own."""
    folder = cache_folder() / f"image-vectors-{encoder.identity[:16]}-{encoder.width}"
    first = entries[0].file if entries else None
    if isinstance(first, ShardMember):
        folder = folder.with_name(f"{folder.name}-shards") / content_key(first.place.store, first.place.shard).hex()[:32]
    return RowCache(folder, (encoder.width,), dtype)


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # so that Ctrl-C does not wait for thousands of pictures


def _key(entry: CatalogueEntry, encoder: ImageEncoder) -> tuple[bytes, str]:
    """Returns (key of the vector, ""), or (b"", reason why there is none)."""
    try:
        return content_key(content_of(entry.file), encoder.identity), ""
    except ImpastoError as error:
        return b"", str(error).removeprefix(f"{entry.file} ")


@dataclass(frozen=True)
class _Opened:
    """A picture, or the reason why it cannot be opened; `key` belongs to the content that was opened."""

    place: int
    picture: Image.Image | None
    key: bytes = b""
    reason: str = ""


def _open(place: int, entry: CatalogueEntry, encoder: ImageEncoder) -> _Opened:
    try:
        picture = open_picture(entry.file)
    except ImpastoError as error:
        return _Opened(place, None, reason=str(error).removeprefix(f"{entry.file}: "))
    prepare = getattr(encoder, "prepare", None)
    if prepare is not None:  # here, beside the network, and so that only a small picture waits for it
        picture = prepare(picture)
    key, reason = _key(entry, encoder)  # again: the picture may have been edited in the hours since
    return _Opened(place, None if reason else picture, key, reason)


def _opened_in_order(
    pool: ThreadPoolExecutor, entries: Sequence[CatalogueEntry], places: Sequence[int], encoder: ImageEncoder
) -> Iterator[_Opened]:
    """Yields the pictures in order. Only a few are opened ahead: more would fill the memory."""
    ahead: deque[Future[_Opened]] = deque()
    waiting = iter(places)
    for place in islice(waiting, 2 + (os.cpu_count() or 1)):
        ahead.append(pool.submit(_open, place, entries[place], encoder))
    while ahead:
        yield ahead.popleft().result()
        for place in islice(waiting, 1):
            ahead.append(pool.submit(_open, place, entries[place], encoder))


def _embed(
    chunk: Iterator[_Opened], encoder: ImageEncoder, store: RowCache, keys: dict[int, bytes], reasons: dict[int, str]
) -> None:
    """Computes the vectors of one chunk, whose pictures are streamed one at a time, and stores them in the cache."""
    places: list[int] = []

    def pictures() -> Iterator[Image.Image]:
        for opened in chunk:
            if opened.picture is None:
                reasons[opened.place] = opened.reason
            else:
                keys[opened.place] = opened.key
                places.append(opened.place)
                yield opened.picture

    passing = pictures()
    first = next(passing, None)
    if first is not None:  # an encoder need not support an empty input
        vectors = encoder.embed_images(chain([first], passing))
        store.fill([keys[n] for n in places], lambda rows: vectors[rows], chunk=CHUNK)


@dataclass(frozen=True)
class EmbedWork:
    """Encodes chunks of pictures. A payload is a list of (absolute path, name); a result is read by `_unpacked`."""

    encoder: ImageEncoder
    name = "vectors"

    @property
    def gpus(self) -> float:
        """1 if the encoder runs on a GPU."""
        return float(str(getattr(self.encoder, "_device", "cpu")).startswith("cuda"))

    def do(self, payload: Sequence[tuple[Path, str]], halvings: int) -> bytes:
        """Returns the chunk's keys, reasons and vectors; after a want of memory the pictures are encoded in more parts."""
        entries = [CatalogueEntry(file, name) for file, name in payload]
        keys, reasons, parts = [""] * len(entries), [""] * len(entries), []
        at_once = max(1, CHUNK >> halvings)
        with _threads() as pool:
            opened = _opened_in_order(pool, entries, range(len(entries)), self.encoder)
            while part := list(islice(opened, at_once)):
                pictures = [one.picture for one in part if one.picture is not None]
                for one in part:
                    keys[one.place] = one.key.hex() if one.picture is not None else ""
                    reasons[one.place] = one.reason
                if pictures:
                    parts.append(self.encoder.embed_images(pictures))
        vectors = np.concatenate(parts) if parts else np.zeros((0, self.encoder.width), np.float32)
        packed = io.BytesIO()
        np.savez(packed, vectors=vectors, told=np.array(json.dumps([keys, reasons])))
        return packed.getvalue()


def _embed_elsewhere(
    entries: Sequence[CatalogueEntry],
    missing: Sequence[int],
    encoder: ImageEncoder,
    store: RowCache,
    keys: dict[int, bytes],
    reasons: dict[int, str],
    on_progress: Callable[[int, int], None] | None,
    spread: Spread,
) -> None:
    """Has the missing vectors computed by the workers, in the chunks of `image_vectors`, and stores them in the cache."""

    def units() -> Iterator[Unit]:
        for number, start in enumerate(range(0, len(missing), CHUNK)):
            places = missing[start : start + CHUNK]
            payload = [(entries[n].file.absolute(), entries[n].file_name) for n in places]
            yield Unit(number, unit_key(*(keys[n].hex() for n in places)), payload, len(places))

    done = 0
    with results(spread, EmbedWork(encoder), units(), rows=len(missing), in_order=False) as found:
        for one in found:  # the cache is the journal: a chunk that is in it is not encoded again
            with np.load(io.BytesIO(one.value()), allow_pickle=False) as packed:
                vectors, (its_keys, its_reasons) = packed["vectors"], json.loads(str(packed["told"]))
            places = missing[one.unit.number * CHUNK :][: one.unit.rows]
            seen = []
            for n, key, reason in zip(places, its_keys, its_reasons, strict=True):
                if reason:
                    reasons[n] = reason
                else:
                    keys[n] = bytes.fromhex(key)
                    seen.append(n)
            store.fill([keys[n] for n in seen], lambda rows, vectors=vectors: vectors[rows], chunk=CHUNK)
            done += one.unit.rows
            if on_progress is not None:
                on_progress(done, len(missing))
