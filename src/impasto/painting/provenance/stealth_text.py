"""Reads a record hidden in a picture's pixels ("stealth pnginfo"), as NovelAI, Forge and SwarmUI write it.

The lowest bits of the alpha channel, or of red, green and blue, taken column by column, spell 15 letters that name the form,
the number of bits that follow (32 bits), and the text: UTF-8, or the same packed by gzip.
"""

import zlib

import numpy as np
from PIL import Image

_FORMS = {b"stealth_pnginfo": False, b"stealth_pngcomp": True, b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
_HEAD = 15 + 4
_LONGEST = 4 << 20


def stealth_text(picture: Image.Image) -> str:
    """Returns the text hidden in the pixels of a loaded picture; "" if there is none.

    A text whose length is not true, that cannot be unpacked or is longer than 4 MiB counts as none.
    """
    if picture.mode == "RGBA":
        values = np.asarray(picture)
        return _read(values[:, :, 3:]) or _read(values[:, :, :3])
    if picture.mode == "LA":
        return _read(np.asarray(picture)[:, :, 1:])
    return _read(np.asarray(picture)) if picture.mode == "RGB" else ""


def _read(channels: np.ndarray) -> str:
    """Reads the text from the lowest bits of uint8 channels (height, width, 1 or 3)."""
    height, _, depth = channels.shape
    columns = -(-_HEAD * 8 // (height * depth))
    head = _bytes(channels, columns)[:_HEAD]
    packed = _FORMS.get(head[:15])
    if packed is None or len(head) < _HEAD:
        return ""
    length = int.from_bytes(head[15:], "big") // 8
    if not 0 < length <= _LONGEST:
        return ""
    body = _bytes(channels, -(-(_HEAD + length) * 8 // (height * depth)))[_HEAD : _HEAD + length]
    if len(body) < length:
        return ""
    if packed:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = unpacker.decompress(body, _LONGEST)
        except zlib.error:
            return ""
        if unpacker.unconsumed_tail:
            return ""
    return body.decode("utf-8", "replace")


def _bytes(channels: np.ndarray, columns: int) -> bytes:
    """Returns the lowest bits of the first columns as bytes; a picture that has fewer columns gives fewer."""
    bits = channels[:, :columns].transpose(1, 0, 2).reshape(-1) & 1
    return np.packbits(bits[: bits.size // 8 * 8]).tobytes()
