"""The vectors of a catalogue's pictures, each computed once per content and scorer: what filter, search and tags share."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

import numpy as np
from PIL import Image

from impasto.data.annotations.log import content_of
from impasto.data.caches.row_cache import RowCache, content_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.pictures import open_picture
from impasto.errors import ImpastoError
from impasto.settings import cache_folder
from impasto.vision.scorers.interface import ImageEncoder, Projecting

CHUNK = 64  # pictures whose vectors go to disk together: what a kill can cost


def image_vectors(
    entries: Sequence[CatalogueEntry],
    encoder: ImageEncoder,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    report: CatalogueReport | None = None,
    dtype: Literal["float32", "float16"] = "float32",
) -> np.ndarray:
    """The encoder's vectors of the entries' pictures, [n, width] of `dtype`, a row of NaN where no picture can be read.

    A vector is kept in the user's cache by the picture's content and the encoder's identity: an edited picture or another
    encoder is computed again, nothing else is, and a killed job goes on where it was. Pictures are opened in threads while
    the encoder works; one that cannot be read is named in `report`. `on_progress` hears (number done, of).

    Raises:
        ImpastoError: the cache cannot be written.
    """
    if isinstance(encoder, Projecting):
        return encoder.project(image_vectors(entries, encoder.features, on_progress, report=report))
    vectors = np.full((len(entries), encoder.width), np.nan, dtype)
    keys: dict[int, bytes] = {}
    reasons: dict[int, str] = {}
    with _threads() as pool:
        for n, (key, reason) in enumerate(pool.map(lambda entry: _key(entry, encoder), entries)):
            if reason:
                reasons[n] = reason
            else:
                keys[n] = key
        try:
            store = _cache_of(encoder, dtype)
            store.check(keys.values())
            missing = [n for n, key in keys.items() if key not in store]
            opened = _opened_in_order(pool, entries, missing, encoder)
            for start in range(0, len(missing), CHUNK):
                _embed(islice(opened, CHUNK), encoder, store, keys, reasons)
                if on_progress is not None:
                    on_progress(min(start + CHUNK, len(missing)), len(missing))
        except OSError as error:
            raise ImpastoError(f"{cache_folder()} cannot be written: {error.strerror}") from None
    if report is not None:
        report.skipped += [Skipped(entries[n].file_name, reason) for n, reason in sorted(reasons.items())]
    whole = [n for n in keys if n not in reasons]
    if whole:
        vectors[whole] = store.array()[store.places([keys[n] for n in whole])]
    return vectors


def _cache_of(encoder: ImageEncoder, dtype: str) -> RowCache:
    folder = cache_folder() / f"image-vectors-{encoder.identity[:16]}-{encoder.width}"
    return RowCache(folder, (encoder.width,), dtype)


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for thousands of pictures


def _key(entry: CatalogueEntry, encoder: ImageEncoder) -> tuple[bytes, str]:
    """(key of the vector, reason why there is none or "")."""
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
    key, reason = _key(entry, encoder)  # again: it may have been edited in the hours since
    return _Opened(place, None if reason else picture, key, reason)


def _opened_in_order(
    pool: ThreadPoolExecutor, entries: Sequence[CatalogueEntry], places: Sequence[int], encoder: ImageEncoder
) -> Iterator[_Opened]:
    """Opens a few pictures ahead of what is asked for: more would fill the memory."""
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
    """Computes and keeps the vectors of one chunk, whose pictures pass by one at a time."""
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
    if first is not None:  # an encoder need not know what to do with no picture at all
        vectors = encoder.embed_images(chain([first], passing))
        store.fill([keys[n] for n in places], lambda rows: vectors[rows], chunk=CHUNK)
