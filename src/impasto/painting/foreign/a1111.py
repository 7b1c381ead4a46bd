"""Reads the `parameters` text of AUTOMATIC1111's web UI, which Forge and many saving nodes write as well.

Its form: the prompt's lines; then, if there is a negative prompt, "Negative prompt: " and its lines; then one line of
settings, `Steps: 25, Sampler: DPM++ 2M, ...`, in which a value with a comma, a colon or a line break is a
JSON string.
"""

import json
import re
from collections.abc import Mapping

from impasto.painting.foreign.record import (
    ForeignRecord,
    RecordError,
    count,
    parse_json,
    plain_text,
    real_number,
    whole_number,
)

NEGATIVE = "Negative prompt:"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_KNOWN = {"Steps", "Sampler", "CFG scale", "Seed", "Size", "Model"}
_LONGEST = 4 << 20


def quote_setting(value: object) -> str:
    """Returns `value` as text for the settings line, or as a JSON string if the plain text would break the line."""
    text = str(value)
    needs = any(mark in text for mark in ",:\n\r") or text.startswith('"') or text != text.strip()
    return json.dumps(text, ensure_ascii=False) if needs else text


def parse_settings(line: str) -> dict[str, str]:
    """Parses the names and values on a settings line. The time is linear in its length for any content."""
    settings: dict[str, str] = {}
    place = 0
    while (colon := line.find(":", place)) >= 0:
        name = line[place:colon].rpartition(",")[2].strip()
        place = colon + 1
        while place < len(line) and line[place] == " ":
            place += 1
        quoted = _QUOTED.match(line, place)
        if quoted:
            rest = quoted.end()
            while rest < len(line) and line[rest] == " ":
                rest += 1
            if rest == len(line) or line[rest] == ",":
                try:
                    settings[name] = str(json.loads(quoted.group()))
                except ValueError:
                    settings[name] = quoted.group()
                place = rest + 1
                continue
        comma = line.find(",", place)
        end = len(line) if comma < 0 else comma
        settings[name] = line[place:end].strip()
        place = end + 1
    return settings


def read_a1111(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record in `parameters` (PNG) or `UserComment` (EXIF of JPEG, WebP and AVIF), or None.

    Raises:
        RecordError: the text is JSON, as some other tools write there, or more than 4 million characters.
    """
    text = texts.get("parameters", "")
    if not text.strip():
        # A camera's comment is not a record: only a comment with A1111's settings line is.
        text = texts.get("UserComment", "")
        if "\nSteps:" not in "\n" + text:
            return None
    if len(text) > _LONGEST:
        raise RecordError(f"its parameters text is too large to read ({len(text):,} characters)")
    if text.lstrip().startswith("{") and _is_json_object(text):
        raise RecordError("its parameters text is JSON of a tool that impasto does not know")
    return parse_parameters(text)


def parse_parameters(text: str) -> ForeignRecord:
    """Parses A1111's `parameters` text into a record. Text that fits no other field becomes the prompt."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    at = _settings_line(lines)
    settings = parse_settings(lines[at]) if at is not None else {}
    prompt, negative = _prompts(lines if at is None else lines[:at])
    extra = {plain_text(k): plain_text(v) for k, v in settings.items() if k not in _KNOWN and k and v}
    if at is not None and at + 1 < len(lines):
        extra["After the settings"] = plain_text("\n".join(lines[at + 1 :]))
    width, _, height = settings.get("Size", "").partition("x")
    return ForeignRecord(
        tool=_tool(settings.get("Version", "")),
        prompt=prompt,
        negative=negative,
        seed=whole_number(settings.get("Seed")),
        sampler=plain_text(settings.get("Sampler")),
        steps=count(settings.get("Steps")),
        guidance=real_number(settings.get("CFG scale")),
        width=count(width),
        height=count(height),
        checkpoint=plain_text(settings.get("Model")),
        extra=extra,
    )


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(parse_json(text, "parameters"), dict)
    except RecordError:
        return False


def _settings_line(lines: list[str]) -> int | None:
    """Returns the index of the last line that begins with "Steps:", else of the last line if it holds three settings."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].lstrip().startswith("Steps:"):
            return at
    last = parse_settings(lines[-1])
    return len(lines) - 1 if len(last) >= 3 and _KNOWN & last.keys() else None


def _prompts(lines: list[str]) -> tuple[str, str]:
    for at, line in enumerate(lines):
        if line.lstrip().startswith(NEGATIVE):
            first = line.lstrip()[len(NEGATIVE) :]
            return plain_text("\n".join(lines[:at])), plain_text("\n".join([first, *lines[at + 1 :]]))
    return plain_text("\n".join(lines)), ""


def _tool(version: str) -> str:
    if version.startswith("impasto"):
        return "impasto"
    if version.startswith("ComfyUI"):
        return "ComfyUI"
    return "Forge" if re.match(r"f\d", version) else "A1111"
