"""How the pictures of a source look: worked out in several processes, each once, kept in the journal."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from impasto.data.catalogue.pictures import open_at_least
from impasto.data.importing.journal import ImportJournal, Look
from impasto.data.importing.perceptual_hash import HASHED_SIDE, Appearance, appearance_of
from impasto.data.importing.picture_files import PictureBytes
from impasto.data.importing.source import Refused, SourcePicture
from impasto.data.worker_pool import in_order
from impasto.errors import ImpastoError

_CHUNK = 16  # pictures that a worker looks at, at a time
_KEPT_TOGETHER = 256  # looks that go to disk at once


def read_appearances(
    journal: ImportJournal,
    place: str,
    items: Iterable[SourcePicture | Refused],
    known: dict[str, Look],
    workers: int | None,
    on_progress: Callable[[int], None],
) -> dict[str, int]:
    """Brings the looks of a source's pictures into the journal; `known` are those that it had, by key.

    Returns:
        Key -> how much is known of the picture (columns), for all pictures in the source's order.

    Args:
        place: the source's name in the journal.
        on_progress: hears how many pictures are done.
    """
    done = 0
    pictures: dict[str, int] = {}

    def unknown() -> Iterator[tuple[str, str, PictureBytes]]:
        nonlocal done
        for item in items:
            if isinstance(item, Refused):
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
    """What changes when the picture's file does; empty for what lies inside another file."""
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
    """(appearance, "") or (None, why there is none)."""
    file = picture.file or Path(picture.name)
    try:
        opened = open_at_least(file, HASHED_SIDE, data=picture.data)
        return appearance_of(opened.image, opened.width, opened.height), ""
    except ImpastoError as error:
        return None, str(error).removeprefix(f"{file}: ")
