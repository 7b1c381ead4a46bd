"""The memory entry in a painting's record: which works and pictures were used. It is read back as untrusted input.

Codes are kept as base64 of their int8 levels, so that a picture can be painted again without the files they come from.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.data.catalogue.plain_text import unprintable
from impasto.errors import UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

OWN, NONE = "", "none"  # `MemoryUse.source`: the checkpoint's own memory, and no memory
LARGEST_WEIGHT = 10.0
MOST_LIKES = 16
_MOST_WORKS = 64
LONGEST_TEXT = 300  # of a work's name, artist or title
_LONGEST_CODE = 4096
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Like:
    """A reference picture that a painting should resemble.

    Attributes:
        name: of its file.
        content_hash: SHA-256 of the file, hexadecimal.
        weight: above 0, at most 10. The weights of several are relative to each other; if their sum is below 1, the
            difference is the share of works retrieved by text.
        code: base64 of its code's int8 levels; "" until the code is computed.
    """

    name: str
    content_hash: str
    weight: float = 1.0
    code: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.weight <= LARGEST_WEIGHT:
            raise UsageError(f"like {self.name}: weight {self.weight:g}: use more than 0, at most {LARGEST_WEIGHT:g}")


@dataclass(frozen=True)
class LikeFile(Like):
    """A `Like` with the path of its file.

    Attributes:
        path: of the file; records do not store it.
    """

    path: Path = Path()


@dataclass(frozen=True)
class SeenWork:
    """A work of a memory that was retrieved for a painting."""

    name: str
    artist: str = ""
    title: str = ""

    def __str__(self) -> str:
        said = ", ".join(filter(None, (self.title, self.artist)))
        return f"{said} ({self.name})" if said else self.name


@dataclass(frozen=True)
class MemoryUse:
    """The memory, works and reference pictures that one painting used.

    Attributes:
        source: `OWN`, `NONE`, or the folder of pictures that replaced the memory, as the user named it.
        content_hash: of the memory, hexadecimal; "" if there was none.
        works: retrieved from the memory, in the order of their tokens.
        likes: the user's reference pictures.
        codes: base64 of the int8 levels of every token's code, concatenated; "" before it was painted.
    """

    source: str = OWN
    content_hash: str = ""
    works: tuple[SeenWork, ...] = ()
    likes: tuple[Like, ...] = ()
    codes: str = ""

    def deciding(self) -> dict[str, Any]:
        """Returns the values that determine the picture, as far as they are known before anything is loaded."""
        likes = [(like.content_hash, like.weight) for like in self.likes]
        return {"content_hash": self.content_hash, "none": self.source == NONE, "likes": likes}


def read_memory_use(value: Any) -> MemoryUse | None:
    """Reads the field `memory` of a record; None if no memory was used.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _invalid()
    works, likes = (_rows(value.get(name), most) for name, most in (("works", _MOST_WORKS), ("likes", MOST_LIKES)))
    return MemoryUse(
        source=_text(value.get("source"), 4096),
        content_hash=_hash(value.get("content_hash")),
        works=tuple(SeenWork(*(_text(row.get(name)) for name in ("name", "artist", "title"))) for row in works),
        likes=tuple(_like(row) for row in likes),
        codes=_code(value.get("codes"), _MOST_WORKS * _LONGEST_CODE),
    )


def _like(row: dict[str, Any]) -> Like:
    weight = None if isinstance(row.get("weight"), str) else real_number(row.get("weight"))
    if weight is None or not 0 < weight <= LARGEST_WEIGHT:
        raise _invalid()
    name, code = _text(row.get("name")), _code(row.get("code"), _LONGEST_CODE)
    return Like(name, _hash(row.get("content_hash")), weight, code)


def _rows(rows: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or len(rows) > most or not all(isinstance(row, dict) for row in rows):
        raise _invalid()
    return rows


def _text(value: Any, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest or unprintable(value):
        raise _invalid()
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or (value and not _HASH.fullmatch(value)):
        raise _invalid()
    return value


def _code(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest * 4 // 3 + 4:
        raise _invalid()
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid() from None
    return value


def _invalid() -> RecordError:
    return RecordError("its impasto record has no valid 'memory'")
