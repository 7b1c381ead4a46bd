"""The common record type for other tools' metadata, and safe conversions of untrusted values for it."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import ImpastoError

# A real ComfyUI workflow stays below 2 million characters; hostile JSON would cost 20 times its length.
_LONGEST_JSON = 4 << 20
# Seeds are unsigned 64-bit numbers in ComfyUI and InvokeAI.
_LARGEST_WHOLE = 2**64
_CONTROLS = {code: None for code in (*range(32), *range(127, 160), 0x2028, 0x2029) if chr(code) not in "\n\t"}


class RecordError(ImpastoError):
    """There is a record, but it cannot be read; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class ForeignRecord:
    """How a picture was made, as far as another tool recorded it.

    `tool` is the tool's name ("A1111", "InvokeAI", "ComfyUI", "NovelAI"; "impasto" for A1111's text written
    by Impasto). Unknown values are "" or None. `sampler` and `checkpoint` are in that tool's own words; sizes
    are in pixels. `extra` holds all other settings, by the tool's own names.
    """

    tool: str
    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    sampler: str = ""
    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    checkpoint: str = ""
    extra: dict[str, str] = field(default_factory=dict)


def parse_json(text: str, source: str) -> Any:
    """Parses the JSON `text`; `source` names it in errors.

    Raises:
        RecordError: the text is not JSON, is nested too deeply, or is longer than 4 million characters.
    """
    if len(text) > _LONGEST_JSON:
        raise RecordError(f"{source} is too large to read ({len(text):,} characters)")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RecordError(f"{source} is not valid JSON") from None


def parse_object(text: str, source: str) -> dict[str, Any]:
    """Parses the JSON object `text`, as `parse_json` does.

    Raises:
        RecordError: as `parse_json`, or the JSON is not an object.
    """
    value = parse_json(text, source)
    if not isinstance(value, dict):
        raise RecordError(f"{source} is not a JSON object")
    return value


def plain_text(value: object) -> str:
    """Returns `value` as text without control characters (line breaks and tabs stay), so that a terminal can show it.

    Numbers are converted to text; None, lists and objects become "". Lone surrogates become question marks.
    """
    if not isinstance(value, str | int | float):
        return ""
    text = str(value)
    text = text.replace("\r\n", "\n").translate(_CONTROLS)
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def whole_number(value: object) -> int | None:
    """Returns `value`, a number or its digits, as an integer of at most 64 bits; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        value = value.strip()
        if len(value) > 32:
            return None
    if isinstance(value, float) and not value.is_integer():
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if -_LARGEST_WHOLE < number < _LARGEST_WHOLE else None


def count(value: object) -> int | None:
    """Returns `value` as a positive integer below a million (steps, pixels); None if it is not one."""
    number = whole_number(value)
    return number if number is not None and 0 < number < 1_000_000 else None


def real_number(value: object) -> float | None:
    """Returns `value`, a number or its digits, as a finite number; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def others(values: dict[str, Any], known: set[str]) -> dict[str, str]:
    """Returns the texts, numbers and booleans in `values` whose names are not in `known`, as text."""
    return {
        plain_text(name): plain_text(value)
        for name, value in values.items()
        if name not in known and isinstance(value, str | int | float) and plain_text(value)
    }
