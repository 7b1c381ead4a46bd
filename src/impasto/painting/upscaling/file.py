"""A picture's file enlarged into a new PNG, which keeps what the picture said of itself and tells how it was enlarged."""

from dataclasses import dataclass
from pathlib import Path

from impasto.data.catalogue.pictures import open_layered
from impasto.errors import ImpastoError
from impasto.files import written_atomically
from impasto.painting.upscaling.note import UpscalingNote, info_with, texts_of
from impasto.painting.upscaling.tiles import TILE, Tiles, Upscaler


@dataclass(frozen=True)
class UpscaledFile:
    """A picture that was enlarged: its new file, its size in px, and how."""

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
    """Enlarges the picture into `<name>-x<by>.png` in the folder `out` (its own, if not given); no file is replaced.

    Raises:
        UsageError: as `Upscaler.upscale`.
        ImpastoError: it cannot be read, is too large, or the disk refuses.
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
