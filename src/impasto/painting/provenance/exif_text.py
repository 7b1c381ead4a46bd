"""Reads the texts in a picture's EXIF: the comment in its encodings, and the fields that painting tools write to.

ComfyUI and its saving nodes write "prompt:{...}" and "workflow:{...}" into Make, Model, ImageDescription and their
neighbours; Windows' XP fields hold UTF-16.
"""

import re

from PIL import Image

_EXIF_FOLDER, _USER_COMMENT, _MAKER_NOTE = 0x8769, 0x9286, 0x927C
IMAGE_DESCRIPTION = 0x010E
_SOFTWARE = 0x0131
_XP = {0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject"}
_NAMED = re.compile(r"\s*([A-Za-z][\w -]{0,40}?)\s*:\s*(?=[{\[\"])")
# Windows-1252 leaves five of these undefined.
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
_UTF_16 = {"<": "utf-16-le", ">": "utf-16-be"}


def exif_texts(picture: Image.Image) -> dict[str, str]:
    """Returns the texts in the EXIF of an open picture; an empty dict if it has none or is broken.

    The comment is named `UserComment`; a field "name: {...}" is named so, in lower case; ImageDescription, Software
    and XPComment keep their names.
    """
    try:
        exif = picture.getexif()
        inner = exif.get_ifd(_EXIF_FOLDER)
        fields = dict(exif)
        order = str(getattr(exif, "endian", "<") or "<")
        comment = inner.get(_USER_COMMENT, fields.get(_USER_COMMENT))
        maker = inner.get(_MAKER_NOTE, fields.get(_MAKER_NOTE))
    except Exception:  # Pillow raises all kinds of errors on broken EXIF, and EXIF is optional here
        return {}
    texts: dict[str, str] = {}
    for tag, value in fields.items():
        text = _field(tag, value)
        named = _NAMED.match(text)
        if named is not None:
            texts.setdefault(named[1].lower(), text[named.end() :])
        elif tag == IMAGE_DESCRIPTION and text:
            texts["ImageDescription"] = text
        elif tag == _SOFTWARE and text:
            texts["Software"] = text
        elif tag in _XP and text:
            texts[_XP[tag]] = text
    decoded = user_comment(comment, order)
    if decoded.strip():
        texts["UserComment"] = decoded
    scheme = user_comment(maker, order) if isinstance(maker, str | bytes) and len(maker) < 40 else ""
    if scheme.strip("\0 ") in ("fooocus", "a1111"):  # Fooocus names the form of its comment there
        texts["fooocus_scheme"] = scheme.strip("\0 ")
    return texts


def _field(tag: int, value: object) -> str:
    """Returns the text of an ASCII field, which many tools fill with UTF-8, or of one of Windows' fields."""
    if isinstance(value, str):
        return utf_8_or_same(value).rstrip("\0")
    if tag in _XP and isinstance(value, bytes | tuple):
        try:
            return bytes(value).decode("utf-16-le", "replace").rstrip("\0")
        except ValueError:
            return ""
    return ""


def utf_8_or_same(text: str) -> str:
    """Returns a text that was decoded as Latin-1 as UTF-8 if it is valid UTF-8, else as `windows_1252`."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return windows_1252(text)


def windows_1252(text: str) -> str:
    """Returns a text that was decoded as Latin-1 with Windows-1252's characters in place of the controls 0x80 .. 0x9F.

    Windows-1252 is Latin-1 with dashes and quotation marks there. What is no Latin-1 is returned unchanged.
    """
    return text if any(mark > "\xff" for mark in text) else text.translate(_WINDOWS)


def user_comment(value: object, order: str = "<") -> str:
    """Decodes EXIF's UserComment: eight bytes that name the encoding, then the text (EXIF 2.3, section 4.6.5).

    Args:
        value: what Pillow read; tools also leave the eight bytes out, or write another encoding than they name.
        order: the byte order of the EXIF, "<" or ">", for UTF-16 that does not reveal its own.
    """
    if isinstance(value, str):
        body = utf_8_or_same(value)
        for kind in ("ASCII\0\0\0", "UNICODE\0", "\0" * 8):
            body = body.removeprefix(kind)
        return body.rstrip("\0")
    if not isinstance(value, bytes):
        return ""
    kind, body = value[:8], value[8:]
    if kind.startswith(b"UNICODE") or kind.startswith(b"Unicode"):
        return _utf_16(body, order)
    if kind.startswith(b"JIS"):
        try:
            return body.rstrip(b"\0").decode("iso2022_jp")
        except UnicodeError:
            return _eight_bits(body)
    if kind in (b"ASCII\0\0\0", b"\0" * 8):
        return _eight_bits(body)
    return _utf_16(value, order) if value[:64].count(0) >= 8 else _eight_bits(value)


def _utf_16(body: bytes, order: str) -> str:
    """Decodes UTF-16 of unknown byte order, or UTF-8 in its place."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").rstrip("\0")
    # The byte order is not stored, but spaces and Latin letters reveal it: their zero byte comes first or second.
    first, second = body[0::2].count(0), body[1::2].count(0)
    if first == second:
        try:
            return body.decode("utf-8").rstrip("\0")
        except UnicodeError:
            return body.decode(_UTF_16.get(order, "utf-16-le"), "replace").rstrip("\0")
    return body.decode("utf-16-be" if first > second else "utf-16-le", "replace").rstrip("\0")


def _eight_bits(body: bytes) -> str:
    body = body.rstrip(b"\0")
    if body.count(0) > len(body) // 4:
        return _utf_16(body, "<")
    try:
        return body.decode("utf-8")
    except UnicodeError:
        return windows_1252(body.decode("latin-1"))
