"""Copies of the files that a painting was made from: beside it, or in a chunk of its own PNG.

Inside, each file is a private PNG chunk `imPs` after the pixels: the SHA-256 of the file in hexadecimal, a line break, and
the file's bytes. Programs that do not know it pass over it, and its small last letter tells editors that they may copy it.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL.PngImagePlugin import PngInfo

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.painting.editing.record import Kept
from impasto.weights.file_hash import hash_file

if TYPE_CHECKING:
    from impasto.painting.editing.edit import Edit

_CHUNK = b"imPs"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class KeptFile:
    """A file that goes with a painting: where to ("beside" or "inside"), its name, the SHA-256 of its bytes, and these."""

    where: Kept
    name: str
    content_hash: str
    data: bytes


def kept_files(edit: "Edit | None") -> tuple[KeptFile, ...]:
    """Returns the files of an edit that are to be saved with its painting.

    Raises:
        ImpastoError: a file is too large to be kept in memory until then.
    """
    if edit is None or edit.kept == "no":
        return ()
    for file in edit.files:
        if not file.data:
            raise ImpastoError(f"{file.note.path} is too large for --keep-source: copy it yourself")
    return tuple(KeptFile(edit.kept, one.note.name, one.note.content_hash, one.data) for one in edit.files)


def add_inside(info: PngInfo, files: Sequence[KeptFile]) -> None:
    """Adds the files that are kept inside to the chunks of a PNG."""
    for file in files:
        if file.where == "inside":
            info.add(_CHUNK, file.content_hash.encode() + b"\n" + file.data, after_idat=True)


def save_beside(folder: Path, files: Sequence[KeptFile]) -> None:
    """Writes the files that are kept beside a painting, unless the same file is there already.

    If another file has the name, it gets the first digits of its hash. An existing file is never replaced.

    Raises:
        OSError: it cannot be written.
    """
    for file in files:
        if file.where != "beside":
            continue
        for path in places_beside(folder, file.name, file.content_hash):
            if not path.exists():
                write_atomically(path, file.data)
            if path.is_file() and hash_file(path) == file.content_hash:
                break


def places_beside(folder: Path, name: str, content_hash: str) -> tuple[Path, Path]:
    """Returns where a file may be that is kept beside a painting: under its name, or its name and its hash."""
    plain = folder / Path(name).name
    return plain, plain.with_name(f"{plain.stem}-{content_hash[:12]}{plain.suffix}")


def files_inside(painting: Path) -> dict[str, bytes]:
    """Returns the files in a PNG by their SHA-256; those whose bytes do not have it are left out.

    A picture that is no PNG, or is cut short, holds none beyond that place.
    """
    try:
        with painting.open("rb") as file:
            return files_inside_opened(file)
    except OSError:
        return {}


def files_inside_opened(file: BinaryIO) -> dict[str, bytes]:
    """The same for a file that is open at its beginning.

    Raises:
        OSError: it cannot be read.
    """
    found: dict[str, bytes] = {}
    if file.read(8) != _SIGNATURE:
        return found
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind != _CHUNK:
            file.seek(length + 4, 1)
            continue
        content = file.read(length)
        file.seek(4, 1)
        stated, _, data = content.partition(b"\n")
        if stated == hashlib.sha256(data).hexdigest().encode():
            found[stated.decode()] = data
    return found
