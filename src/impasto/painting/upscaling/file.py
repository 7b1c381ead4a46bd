"""Enlarges a picture file into a new PNG, which keeps the picture's metadata and records how it was enlarged."""

from dataclasses import dataclass
from pathlib import Path

from impasto.data.catalogue.pictures import open_layered
from impasto.errors import ImpastoError
from impasto.files import written_atomically
from impasto.painting.upscaling.note import UpscalingNote, info_with, texts_of
from impasto.painting.upscaling.request import TILE
from impasto.painting.upscaling.tiles import Tiles, Upscaler


@dataclass(frozen=True)
class UpscaledFile:
    """The result of enlarging a picture: the new file, its size in px, and the note of how it was enlarged."""

    path: Path
    width: int
    height: int
    note: UpscalingNote


def upscale_file(
    picture: Path,
    upscaler: Upscaler,
    by: int = 2,
    *,
    out: Path | None = None,
    tile: int = TILE,
    on_progress: Tiles | None = None,
) -> UpscaledFile:
    """Enlarges the picture into `<name>-x<by>.png` in the folder `out` (default: the picture's own folder). It replaces no
    file.

    Raises:
        UsageError: as `Upscaler.upscale`.
        ImpastoError: the picture cannot be read or is too large, or the file cannot be written.
    """
    image = open_layered(picture)
    try:
        made = upscaler.upscale(image, by, tile=tile, on_progress=on_progress)
    except ImpastoError as error:
        raise type(error)(f"{picture}: {error}") from None
    note = UpscalingNote(by, upscaler.name, upscaler.content_hash, *image.size)
    info = info_with(texts_of(picture), note)
    folder = picture.parent if out is None else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _free_path(folder, f"{picture.stem}-x{by}")
        with written_atomically(path) as file:
            made.save(file, format="PNG", pnginfo=info)
    except OSError as error:
        raise ImpastoError(f"cannot write to {folder}: {error.strerror or error}") from None
    return UpscaledFile(path, *made.size, note)


def _free_path(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.png", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.png"
    return path
