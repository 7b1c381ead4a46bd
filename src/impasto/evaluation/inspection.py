"""Warnings about a folder's pictures that can make a comparison less meaningful than it seems."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageStat

from impasto.data.annotations.log import FOLDER, content_of
from impasto.data.catalogue.endings import PICTURE_SUFFIXES
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.catalogue.pictures import FORMATS, open_picture
from impasto.errors import ImpastoError

_METADATA = ("metadata.jsonl", "metadata.csv")


@dataclass(frozen=True)
class _Look:
    size: tuple[int, int]
    is_transparent: bool
    is_plain: bool


def notes_on_pictures(folder: Path, entries: Sequence[CatalogueEntry]) -> list[str]:
    """Returns one sentence each on different sizes, transparent parts, pictures of one colour, equal files and other files.

    Decodes every picture. Skips those that cannot be opened: `features_of` reports them.
    """
    with ThreadPoolExecutor() as pool:
        looks = [(entry.file_name, look) for entry, look in zip(entries, pool.map(_look, entries), strict=True) if look]
    sizes = Counter(look.size for _, look in looks)
    found = []
    if len(sizes) > 1:
        shown = ", ".join(f"{count} of {width}x{height}" for (width, height), count in sizes.most_common(3))
        found.append(f"pictures of {len(sizes)} sizes ({shown}): all are brought to one before they are compared")
    for names, what in (
        ([name for name, look in looks if look.is_transparent], "transparent parts, which count as white, in"),
        ([name for name, look in looks if look.is_plain], "of one colour, as a painter leaves them that failed:"),
        (_twins(entries), "the same file under another name, which counts twice:"),
        (_other_files(folder), "no pictures, and left alone:"),
    ):
        if names:
            found.append(f"{what} {_some(names)}")
    return [f"{folder}: {sentence}" for sentence in found]


def shared_pictures(ours: Sequence[CatalogueEntry], theirs: Sequence[CatalogueEntry]) -> list[str]:
    """Returns the names of the entries of `ours` whose file is byte for byte equal to a file of `theirs`."""
    known = {_content(entry) for entry in theirs} - {""}
    return [entry.file_name for entry in ours if _content(entry) in known]


def _look(entry: CatalogueEntry) -> _Look | None:
    try:
        picture = open_picture(entry.file)
        with Image.open(entry.file, formats=FORMATS) as opened:
            clear = opened.has_transparency_data and opened.convert("RGBA").getchannel("A").getextrema()[0] != 255
    except (ImpastoError, OSError):
        return None
    plain = all(low == high for low, high in ImageStat.Stat(picture).extrema)
    return _Look(picture.size, clear, plain)


def _twins(entries: Sequence[CatalogueEntry]) -> list[str]:
    first: dict[str, str] = {}
    keys = [(entry.file_name, _content(entry)) for entry in entries]
    return [name for name, content in keys if content and first.setdefault(content, name) != name]


def _content(entry: CatalogueEntry) -> str:
    try:
        return content_of(entry.file)
    except ImpastoError:
        return ""


def _other_files(folder: Path) -> list[str]:
    """Files below the folder that are neither pictures nor files of a catalogue."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        own = parts[0] == FOLDER or parts[-1] in _METADATA or any(part.startswith(".") for part in parts)
        if not own and path.suffix.lower() not in PICTURE_SUFFIXES and path.is_file():
            found.append("/".join(parts))
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
