"""Computes the appearances (size, hash, thumbnail) of a source's pictures in several processes, for the import journal."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from impasto.data.catalogue.pictures import open_at_least
from impasto.data.importing.journal import ImportJournal, Look
from impasto.data.importing.perceptual_hash import HASHED_SIDE, Appearance, appearance_of
from impasto.data.importing.picture_files import PictureBytes
from impasto.data.importing.source import Item, SourcePicture
from impasto.data.worker_pool import in_order
from impasto.errors import ImpastoError

_CHUNK = 16  # pictures that a worker process handles at a time
_KEPT_TOGETHER = 256  # looks that are written to disk together


def read_appearances(
    journal: ImportJournal,
    place: str,
    items: Iterable[Item],
    known: dict[str, Look],
    workers: int | None,
    on_progress: Callable[[int], None],
) -> dict[str, int]:
    """Computes the looks of a source's pictures and adds them to the journal.

    Returns:
        A dict from key to the number of metadata columns of the picture, for all pictures in the source's order.

    Args:
        place: the source's name in the journal.
        known: the looks that the journal already has, by key; they are not computed again.
        on_progress: called with the number of pictures done.
    """
    done = 0
    pictures: dict[str, int] = {}

    def unknown() -> Iterator[tuple[str, str, PictureBytes]]:
        nonlocal done
        for item in items:
            if not isinstance(item, SourcePicture):
                continue
            pictures[item.key] = len(item.row)
            stamp, look = _stamp(item), known.get(item.key)
            if look is None or look.stamp != stamp:
                yield item.key, stamp, PictureBytes(item.name, item.file, item.data)
            else:
                done += 1

    news = unknown()
    waiting: list[tuple[str, Look]] = []
    for chunk, found in in_order(_looks_of, iter(lambda: list(islice(news, _CHUNK)), []), workers):
        waiting += [(key, Look(stamp, *look)) for (key, stamp, _), look in zip(chunk, found, strict=True)]
        done += len(chunk)
        if len(waiting) >= _KEPT_TOGETHER:
            journal.add_looks(place, waiting)
            waiting = []
        on_progress(done)
    journal.add_looks(place, waiting)
    return pictures


def _stamp(item: SourcePicture) -> str:
    """Returns a stamp that changes when the picture's file changes; empty for a picture inside another file."""
    if item.file is None:
        return ""
    try:
        state = item.file.stat()
    except OSError:
        return "gone"
    return f"{state.st_size}-{state.st_mtime_ns}"


def _looks_of(chunk: list[tuple[str, str, PictureBytes]]) -> list[tuple[Appearance | None, str]]:
    return [_look_at(picture) for _, _, picture in chunk]


def _look_at(picture: PictureBytes) -> tuple[Appearance | None, str]:
    """Returns (appearance, "") or (None, reason why there is none)."""
    file = picture.file or Path(picture.name)
    try:
        opened = open_at_least(file, HASHED_SIDE, data=picture.data)
        return appearance_of(opened.image, opened.width, opened.height), ""
    except ImpastoError as error:
        return None, str(error).removeprefix(f"{file}: ")
