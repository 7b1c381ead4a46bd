"""Reads the texts inside a picture file: PNG chunks, EXIF, XMP, a JPEG's comment, and texts hidden in the pixels."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import iTXt

from impasto.errors import ImpastoError
from impasto.painting.provenance.exif_text import IMAGE_DESCRIPTION, exif_texts, utf_8_or_same, windows_1252
from impasto.painting.provenance.stealth_text import stealth_text
from impasto.painting.provenance.xmp_text import xmp_texts

__all__ = ["IMAGE_DESCRIPTION", "SHEET", "picture_texts", "readable_name"]

# Formats that tools paint to and that Pillow reads by itself: others (EPS) would start an external program.
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
# Where Impasto's sheets of paintings keep their record: the name of a PNG chunk, and in a WebP the prefix of
# EXIF's ImageDescription.
SHEET = "impasto-sheet"
# The chunks of records, in lower case. A picture without one may hold them behind its pixels, or hidden in them.
_RECORDS = ("parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "dream", "comment", "postprocessing",
            "parameters-json", "positive prompt", "generation_data")  # fmt: skip


def picture_texts(path: Path, data: bytes | None = None) -> dict[str, str]:
    """Returns the texts in the picture at `path`: PNG chunk name -> text, and EXIF's comment as `UserComment`.

    If its bytes are given as `data`, `path` is only its name.

    Fields of EXIF that name their content ("prompt:{...}", "impasto-sheet:{...}") and fields of XMP appear under these
    names, a JPEG's comment as `Comment`, a text hidden in the pixels as `stealth`. A text of the picture's own chunks
    comes before one of the same name in EXIF, and EXIF before XMP.
    The picture itself is decoded only if its header holds no record, and only a PNG or WebP.

    Raises:
        ImpastoError: there is no such file, it cannot be read, it is not a PNG, JPEG, WebP or AVIF, or a text in it
            is a compression bomb (more than Pillow's MAX_TEXT_CHUNK, 1 MiB, when unpacked).
    """
    opened = path if data is None else io.BytesIO(data)
    with _in_one_sentence(path), Image.open(opened, formats=_FORMATS) as picture:
        texts = _own_texts(picture)
        more = {**xmp_texts(picture), **exif_texts(picture)}
        if not _names_record(texts) and not _names_record(more) and "UserComment" not in more:
            if picture.format == "PNG":
                picture.load()  # Pillow reads the chunks after the pixels only then
                texts = _own_texts(picture)
                more = {**xmp_texts(picture), **exif_texts(picture)}
            elif picture.format == "WEBP":
                picture.load()
            if picture.format in ("PNG", "WEBP") and not _names_record(texts) and (hidden := stealth_text(picture)):
                texts["stealth"] = hidden
        return {**more, **texts}


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
        raise ImpastoError(f"{name} is not a PNG, JPEG, WebP or AVIF picture") from None
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
    """Returns the texts in a picture's own chunks and its comment."""
    texts: dict[str, str] = {}
    for name, value in picture.info.items():
        if name == "comment" and isinstance(value, bytes):
            texts["Comment"] = _decoded(value)
        elif isinstance(value, str):
            # Chunks for Latin-1 hold UTF-8 as well; ours and international ones are what they say.
            plain = isinstance(value, iTXt) or str(name).startswith("impasto")
            texts[str(name)] = str(value) if plain else utf_8_or_same(str(value))
    return texts


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8").rstrip("\0")
    except UnicodeError:
        return windows_1252(text.decode("latin-1")).rstrip("\0")


def _names_record(texts: dict[str, str]) -> bool:
    """Returns whether a picture's own texts have one that a tool's record usually has."""
    return any(name.lower() in _RECORDS or name.lower().startswith("impasto") for name in texts)
