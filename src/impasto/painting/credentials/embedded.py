"""Finds Content Credentials in a file, without reading them: which format it has, and where C2PA embeds a manifest in it.

C2PA's specification 2.2, appendix A: a PNG's chunk `caBX`, a JPEG's segments APP11 with a JUMBF box, a WebP's chunk `C2PA`,
and in files of boxes such as AVIF a `uuid` box.
"""

import io
import struct
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError

SIGNED = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}  # the formats that are signed, by their media type
AVIF = "image/avif"
_PNG = b"\x89PNG\r\n\x1a\n"
_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_LONGEST_START = 64  # bytes that tell the format


def media_type(start: bytes) -> str:
    """Returns the media type of a file by its first bytes; "" if it is not PNG, JPEG, WebP or AVIF."""
    if start.startswith(_PNG):
        return "image/png"
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp" and (b"avif" in start[8:_LONGEST_START] or b"avis" in start[8:_LONGEST_START]):
        return AVIF
    return ""


def holds_credentials(data: bytes) -> bool:
    """Returns whether there is a C2PA manifest in a file's bytes, readable or not."""
    return _holds(io.BytesIO(data))


def file_holds_credentials(path: Path) -> bool:
    """The same for a file; one that is no picture holds none.

    Raises:
        ImpastoError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _holds(file)
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror or error}") from None


def _holds(file: BinaryIO) -> bool:
    kind = media_type(file.read(_LONGEST_START))
    search = {"image/png": _in_png, "image/jpeg": _in_jpeg, "image/webp": _in_webp, AVIF: _in_boxes}.get(kind)
    if search is None:
        return False
    file.seek(0)
    return search(file)


def _in_png(file: BinaryIO) -> bool:
    file.seek(len(_PNG))
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind == b"caBX":
            return True
        file.seek(length + 4, io.SEEK_CUR)
    return False


def _in_jpeg(file: BinaryIO) -> bool:
    file.seek(2)
    while len(mark := file.read(2)) == 2 and mark[0] == 0xFF:
        if mark[1] == 0xFF:  # fill bytes before a marker
            file.seek(-1, io.SEEK_CUR)
            continue
        if mark[1] in (0xDA, 0xD9):  # the pixels, the end
            return False
        if mark[1] == 0x01 or 0xD0 <= mark[1] <= 0xD8:  # markers without a length
            continue
        size = file.read(2)
        if len(size) < 2 or (length := struct.unpack(">H", size)[0]) < 2:
            return False
        content = file.read(length - 2)
        if mark[1] == 0xEB and content[:2] == b"JP" and content[12:16] == b"jumb" and b"c2pa" in content[:64]:
            return True
    return False


def _in_webp(file: BinaryIO) -> bool:
    file.seek(12)
    while len(header := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", header)
        if kind == b"C2PA":
            return True
        file.seek(length + length % 2, io.SEEK_CUR)
    return False


def _in_boxes(file: BinaryIO) -> bool:
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        taken = 8
        if length == 1:
            length, taken = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))[0], 16
        if kind == b"uuid" and file.read(16) == _C2PA_BOX:
            return True
        taken += 16 if kind == b"uuid" else 0
        if length < taken:  # 0: it goes on to the end
            return False
        file.seek(length - taken, io.SEEK_CUR)
    return False
