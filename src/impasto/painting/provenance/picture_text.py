"""Reads the texts inside a picture file: PNG text chunks and the EXIF fields that painting tools write to."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from impasto.errors import ImpastoError

# Formats that tools paint to and that Pillow reads by itself: others (EPS) would start an external program.
_FORMATS = ("PNG", "JPEG", "WEBP")
_EXIF_FOLDER, _USER_COMMENT, _MAKE, _MODEL = 0x8769, 0x9286, 0x010F, 0x0110
# Where Impasto's sheets of paintings keep their record: the name of a PNG chunk, and in a WebP the prefix of this EXIF
# field.
SHEET = "impasto-sheet"
IMAGE_DESCRIPTION = 0x010E


def picture_texts(path: Path) -> dict[str, str]:
    """Returns the texts in the picture at `path`: PNG chunk name -> text, and EXIF's comment as `UserComment`.

    ComfyUI's EXIF fields in a WebP ("prompt:{...}", "workflow:{...}") appear as `prompt` and `workflow`, and
    the field of Impasto's sheets ("impasto-sheet:{...}") as `impasto-sheet`.
    The picture itself is decoded only if a PNG may hold texts after its pixels.

    Raises:
        ImpastoError: there is no such file, it cannot be read, it is not a PNG, JPEG or WebP, or a text in it
            is a compression bomb (more than Pillow's MAX_TEXT_CHUNK, 1 MiB, when unpacked).
    """
    with _in_one_sentence(path), Image.open(path, formats=_FORMATS) as picture:
        texts = _own_texts(picture)
        if not texts and picture.format == "PNG":
            picture.load()  # Pillow reads the chunks after the pixels only then
            texts = _own_texts(picture)
        return texts | {name: text for name, text in _exif_texts(picture).items() if name not in texts}


def readable_name(path: Path) -> str:
    """Returns `path` for an error message: as given, or escaped if it holds characters that do not print."""
    name = str(path)
    return name if name.isprintable() else ascii(name)


@contextmanager
def _in_one_sentence(path: Path) -> Iterator[None]:
    """Turns the exceptions of Pillow and the system about `path` into an ImpastoError with a one-line message."""
    name = readable_name(path)
    try:
        with warnings.catch_warnings():
            # Only the header of a huge picture is read, unless it is so huge that Pillow refuses.
            warnings.simplefilter("ignore")
            yield
    except FileNotFoundError:
        raise ImpastoError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ImpastoError(f"{name} is a folder: name one picture in it") from None
    except UnidentifiedImageError:
        raise ImpastoError(f"{name} is not a PNG, JPEG or WebP picture") from None
    except Image.DecompressionBombError:
        raise ImpastoError(f"{name} is too large a picture to be read safely") from None
    except ValueError as error:
        if "too large" in str(error):
            raise ImpastoError(f"{name} holds a text chunk that is too large to be read safely") from None
        raise ImpastoError(f"{name} is a damaged picture") from None
    except (SyntaxError, EOFError, AttributeError, TypeError, LookupError):  # Pillow on broken chunks
        raise ImpastoError(f"{name} is a damaged picture") from None
    except OSError as error:
        reason = error.strerror or "the file is damaged or cut short"
        raise ImpastoError(f"{name} cannot be read: {reason}") from None


def _own_texts(picture: Image.Image) -> dict[str, str]:
    return {str(name): str(value) for name, value in picture.info.items() if isinstance(value, str)}


def _exif_texts(picture: Image.Image) -> dict[str, str]:
    try:
        exif = picture.getexif()
        comment = exif.get_ifd(_EXIF_FOLDER).get(_USER_COMMENT)
        fields = [exif.get(_MAKE), exif.get(_MODEL), exif.get(IMAGE_DESCRIPTION)]
    except Exception:  # Pillow raises all kinds of errors on broken EXIF, and EXIF is optional here
        return {}
    texts: dict[str, str] = {}
    for text in fields:
        name, colon, value = str(text or "").partition(":")
        if colon and name in ("prompt", "workflow", SHEET):
            texts[name] = value.rstrip("\0")
    decoded = _user_comment(comment)
    return texts | ({"UserComment": decoded} if decoded else {})


def _user_comment(value: object) -> str:
    """Decodes EXIF's UserComment: eight bytes that name the encoding, then the text (EXIF 2.3, section 4.6.5)."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return ""
    kind, body = value[:8], value[8:]
    if kind == b"UNICODE\0":
        # The byte order is not stored, but Latin text reveals it: the zero byte of "S" comes first or second.
        order = "utf-16-le" if body[:64:2].count(0) < body[1:64:2].count(0) else "utf-16-be"
        return body.decode(order, "replace").rstrip("\0")
    if kind in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").rstrip("\0")
    return value.decode("utf-8", "replace").rstrip("\0")
