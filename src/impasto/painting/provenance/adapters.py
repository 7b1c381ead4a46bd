"""Reads the LoRAs and concepts (textual inversions) in a painting's record and checks them, as untrusted input."""

from typing import Any

from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.painting.foreign import RecordError
from impasto.painting.foreign.record import real_number

_MOST = 100
_LARGEST_SCALE = 100.0
_MOST_VECTORS = 1000


def read_loras(rows: Any) -> tuple[AppliedLora, ...]:
    """Reads the field `loras`; None, as in older pictures, gives an empty tuple.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    found = []
    for row in _rows(rows, "loras"):
        scale = row.get("scale")
        scale = None if isinstance(scale, str) else real_number(scale)
        if scale is None or abs(scale) > _LARGEST_SCALE:
            raise _invalid("loras")
        found.append(AppliedLora(*_texts(row, "loras"), scale))
    return tuple(found)


def read_concepts(rows: Any) -> tuple[AppliedConcept, ...]:
    """Reads the field `concepts`; None, as in older pictures, gives an empty tuple.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    found = []
    for row in _rows(rows, "concepts"):
        vectors = row.get("vectors")
        if isinstance(vectors, bool) or not isinstance(vectors, int) or not 1 <= vectors <= _MOST_VECTORS:
            raise _invalid("concepts")
        found.append(AppliedConcept(*_texts(row, "concepts"), vectors))
    return tuple(found)


def _rows(rows: Any, name: str) -> list[dict[str, Any]]:
    rows = [] if rows is None else rows
    if not isinstance(rows, list) or len(rows) > _MOST or not all(isinstance(row, dict) for row in rows):
        raise _invalid(name)
    return rows


def _texts(row: dict[str, Any], name: str) -> tuple[str, str, str]:
    texts = (row.get("name"), row.get("path"), row.get("content_hash"))
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise _invalid(name)
    return texts  # pyright: ignore[reportReturnType] - just checked


def _invalid(name: str) -> RecordError:
    return RecordError(f"its impasto record has no valid {name!r}")
