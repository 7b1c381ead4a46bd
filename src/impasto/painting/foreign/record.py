"""The common record type for other tools' metadata, and safe conversions of untrusted values for it."""

import json
import math
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import ImpastoError

# A real ComfyUI workflow stays below 2 million characters; hostile JSON would cost 20 times its length.
_LONGEST_JSON = 4 << 20
# Seeds are unsigned 64-bit numbers in ComfyUI and InvokeAI.
_LARGEST_WHOLE = 2**64
# What tools write where they have no value: names, not values.
_PLACEHOLDERS = {"none", "null", "undefined", "unknown", "n/a", "nan"}
_WHOLE = re.compile(r"[+-]?\d{1,32}(?:[.,]0{0,32})?")
_REAL = re.compile(r"[+-]?(?:\d{1,64}(?:[.,]\d{0,64})?|[.,]\d{1,64})(?:[eE][+-]?\d{1,4})?")
_LORA_NAMES = ("model", "lora", "name", "model_name", "modelName", "modelFileName", "label", "file")
_SIZE = re.compile(r"(?<![\d.])(\d{1,6})(?:\.0+)?\s*(?:px)?\s*(?:[x×*,]|by)\s*(\d{1,6})(?![\d.]*\d)", re.IGNORECASE)
_CONTROLS = {code: None for code in (*range(32), *range(127, 160), 0x2028, 0x2029) if chr(code) not in "\n\t"}


class RecordError(ImpastoError):
    """There is a record, but it cannot be read; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class ForeignRecord:
    """How a picture was made, as far as another tool recorded it.

    `tool` is the tool's name ("A1111", "InvokeAI", "ComfyUI", "NovelAI", ... as docs/records.md lists them; "impasto" for
    A1111's text written by Impasto). Unknown values are "" or None. `sampler` and `checkpoint` are in that tool's own
    words; sizes are in pixels. `extra` holds all other settings, by the tool's own names. `untold` holds the fields whose
    value the record has, but in a form from which it cannot be told: the field's name and the reason.
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
    untold: dict[str, str] = field(default_factory=dict)


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
    """Returns `value` as an integer of at most 64 bits; None if it is not one.

    It is a number or its digits as people write them: "20", " 20.0 ", "+7", "2e1".
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(re.split("[.,]", value.strip())[0])
    elif not isinstance(value, int):
        value = real_number(value)
        if value is None or not value.is_integer():
            return None
    number = int(value)
    return number if -_LARGEST_WHOLE < number < _LARGEST_WHOLE else None


def count(value: object) -> int | None:
    """Returns `value` as a positive integer below a million (steps, pixels); None if it is not one."""
    number = whole_number(value.strip().removesuffix("px") if isinstance(value, str) else value)
    return number if number is not None and 0 < number < 1_000_000 else None


def real_number(value: object) -> float | None:
    """Returns `value` as a finite number; None if it is not one.

    It is a number or its digits as people write them: "7.5", "7,5" (a decimal comma), "1e-1".
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        if not _REAL.fullmatch(value.strip()):
            return None
        value = value.strip().replace(",", ".")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def size_of(value: object) -> tuple[int | None, int | None]:
    """Returns the width and height in `value`; (None, None) if it holds no size.

    It is a text such as "512x768", "512 x 768", "512×768", "(1024, 1024)" or "3:4 portrait 896x1152", or a list of two.
    """
    if isinstance(value, list) and len(value) == 2:
        return count(value[0]), count(value[1])
    found = _SIZE.search(value[:200]) if isinstance(value, str) else None
    return (count(found[1]), count(found[2])) if found else (None, None)


def not_understood(values: Mapping[str, Any]) -> dict[str, str]:
    """Returns why each of the fields seed, steps, guidance, width and height has no number although it has a value."""
    checks = {"seed": whole_number, "steps": count, "guidance": real_number, "width": count, "height": count}
    wrong = [name for name, check in checks.items() if told(values.get(name)) and check(values[name]) is None]
    return {name: f"{told(values[name])[:80]!r} cannot be understood" for name in wrong if not is_placeholder(values[name])}


def is_placeholder(value: object) -> bool:
    """Returns whether `value` is what tools write where they have none: "None", "undefined", "unknown", "N/A" ..."""
    if not isinstance(value, str) or len(value) > 200:
        return False
    words = re.split(r"[\s,.;:()\"'\d]+", value.lower().replace("[object object]", "none"))
    words = [word for word in words if word]
    return bool(words) and _PLACEHOLDERS.issuperset(words)


def name_or_none(value: object) -> str:
    """Returns `value` as plain text; "" if it is a placeholder."""
    return "" if is_placeholder(value) else plain_text(value)


def told(value: object) -> str:
    """Returns a setting of any type as one plain text: lists and objects as compact JSON, "" for what is empty."""
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, list | dict):
        try:
            return plain_text(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))
        except (ValueError, RecursionError):
            return "(a value that is nested too deeply)"
    return plain_text(value)


def others(values: Mapping[str, Any], known: Container[str]) -> dict[str, str]:
    """Returns all that `values` holds under names that are not in `known`, as text; lists and objects as JSON."""
    found = {plain_text(name): told(value) for name, value in values.items() if name not in known}
    return {name: text for name, text in found.items() if name and text}


def lora_rows(rows: list[Any]) -> str:
    """Returns a list of LoRAs in any of the tools' forms as "name:weight, name:weight"."""
    found = []
    for row in rows[:1000]:
        name, weight = row, None
        if isinstance(row, list):
            name, weight = (row[0] if row else ""), (row[1] if len(row) > 1 else None)
        elif isinstance(row, dict):
            weight = row.get("weight", row.get("strength", row.get("scale")))
            name = next((row[key] for key in _LORA_NAMES if row.get(key)), "")
            if isinstance(name, dict):
                name = name.get("name") or name.get("model_name") or ""
        number = real_number(weight)
        text = plain_text(name) or told(row)
        if text and not is_placeholder(text):
            found.append(text if number is None else f"{text}:{number:g}")
    return ", ".join(found)
