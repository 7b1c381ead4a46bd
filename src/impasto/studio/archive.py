"""Pictures as one ZIP archive, written while it is sent: a picture is read when its turn comes, and nothing is kept."""

import io
import os
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError
from impasto.gallery.index import Gallery

if TYPE_CHECKING:
    from impasto.painting.credentials.identity import SigningIdentity

LEFT_OUT = "left-out.txt"
_AT_ONCE = 1 << 20  # bytes that are read together


@dataclass(frozen=True)
class _Left:
    name: str
    reason: str


def archive(gallery: Gallery, ids: Sequence[str], identity: "SigningIdentity | None" = None) -> Iterator[bytes]:
    """Yields the bytes of an archive of pictures, each under its file's name and as it is; PNGs are not compressed again.

    A picture that is not there any more, or that cannot be signed, is named in `left-out.txt` with the reason.

    Args:
        gallery: the gallery.
        ids: of the pictures, in the order of the archive.
        identity: who signs the copies; None for the files as they are.
    """
    sink, left, names = _Sink(), list[_Left](), set[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
        for digits in ids:
            try:
                path = gallery.file(digits)
                content = path.open("rb") if identity is None else io.BytesIO(signed(path, identity))
                made = path.stat().st_mtime
            except (ImpastoError, OSError) as error:
                left.append(_Left(digits, getattr(error, "strerror", None) or str(error)))
                continue
            with content, packed.open(_member(_free(path.name, names), made), "w") as member:
                while part := content.read(_AT_ONCE):
                    member.write(part)
                    yield sink.take()
        if left:
            lines = "".join(f"{one.name}: {one.reason}\n" for one in left)
            packed.writestr(_member(_free(LEFT_OUT, names), time.time()), lines)
    yield sink.take()


def signed(path: Path, identity: "SigningIdentity") -> bytes:
    """Returns a picture's bytes with Content Credentials; messages name the file without its folder.

    Raises:
        UsageError, MissingPart, ImpastoError: as `sign_bytes`.
    """
    from impasto.painting.credentials.signing import sign_bytes

    try:
        return sign_bytes(path.read_bytes(), identity, name=path.name, folder=path.parent).data
    except ImpastoError as error:
        raise type(error)(str(error).replace(str(path.parent) + os.sep, "")) from None
    except OSError as error:
        raise ImpastoError(f"{path.name} cannot be read: {error.strerror or error}") from None


def _member(name: str, made: float) -> zipfile.ZipInfo:
    at = time.localtime(made)
    year = min(max(1980, at.tm_year), 2107)  # the years that ZIP knows
    one = zipfile.ZipInfo(name, (year, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec))
    one.external_attr = 0o644 << 16
    return one


def _free(name: str, taken: set[str]) -> str:
    """Returns the name, with a number if another picture of the archive has it."""
    path, number = Path(name), 1
    while name.lower() in taken:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    taken.add(name.lower())
    return name


class _Sink(io.RawIOBase):
    """Takes what the archive writes, and gives it on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Returns what was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
