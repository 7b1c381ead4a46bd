"""Small pictures to sign, in every format and mode that is signed, and what lies in their files."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.painting.editing.pictures import drawn
from tests.painting.provenance.test_record import BOATS

from impasto.painting.editing.kept_files import KeptFile, add_inside
from impasto.painting.editing.record import EditNote, MaskedNote, MaskNote, SourceNote
from impasto.painting.provenance.record import Provenance, png_info


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def every_kind() -> dict[str, bytes]:
    """Pictures without a record: 16 bits, palettes with transparency, animations, CMYK, progressive, lossless, with EXIF."""
    plain = drawn(24, 20)
    frames = [drawn(24, 20, seed) for seed in range(3)]
    ramp = np.linspace(0, 65535, 480, dtype=np.uint16).reshape(20, 24)
    exif = Image.Exif()
    exif[0x010E] = "a description"
    animated = {"save_all": True, "append_images": frames[1:], "duration": 80}
    return {
        "plain.png": encoded(plain),
        "deep.png": encoded(Image.fromarray(ramp)),
        "palette.png": encoded(plain.quantize(16), transparency=3),
        "bits.png": encoded(plain.convert("1")),
        "clear.png": encoded(plain.convert("RGBA")),
        "animated.png": encoded(frames[0], **animated),
        "plain.jpg": encoded(plain, "JPEG"),
        "progressive.jpg": encoded(plain, "JPEG", progressive=True, exif=exif, comment=b"a comment"),
        "print.jpg": encoded(plain.convert("CMYK"), "JPEG"),
        "plain.webp": encoded(plain, "WEBP"),
        "lossless.webp": encoded(plain.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        "animated.webp": encoded(frames[0], "WEBP", **animated),
    }


def painting(record: Provenance = BOATS, *inside: bytes, seed: int = 0) -> bytes:
    """The bytes of a painting with this record, and with these files inside."""
    info = png_info(record)
    add_inside(info, [KeptFile("inside", "kept", _sha(data), data) for data in inside])
    return encoded(drawn(24, 20, seed), pnginfo=info)


def note_of(data: bytes, name: str = "photo.jpg") -> SourceNote:
    return SourceNote(name, f"somewhere/{name}", _sha(data), 24, 20)


def inpainted(source: bytes, name: str = "photo.jpg") -> Provenance:
    masked = MaskedNote(MaskNote("box", None, (1, 2, 3, 4)))
    return replace(BOATS, edit=EditNote("inpaint", note_of(source, name), 0.8, masked=masked))


def painted_over(source: bytes, name: str = "photo.jpg", strength: float = 0.6) -> Provenance:
    return replace(BOATS, edit=EditNote("from", note_of(source, name), strength))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk."""
    found, place = [], 8
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        found.append((kind, data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """The PNG with these chunks, with right check sums: an editor that changes a picture writes such a file."""
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def repainted(data: bytes) -> bytes:
    """The same PNG with other pixels of the same size."""
    other = dict(png_chunks(encoded(drawn(24, 20, 99))))[b"IDAT"]
    return png_of([(kind, other if kind == b"IDAT" else content) for kind, content in png_chunks(data)])


def _sha(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def write(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name
