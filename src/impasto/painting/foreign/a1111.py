"""Reads the `parameters` text of AUTOMATIC1111's web UI, which Forge, SD.Next, Fooocus and many saving nodes write as well.

Its form: the prompt's lines; then, if there is a negative prompt, "Negative prompt: " and its lines; then one line of
settings, `Steps: 25, Sampler: DPM++ 2M, ...` (see `a1111_settings`). Other tools and sites put all of it on one line.
"""

import json
import re
from collections.abc import Mapping

from impasto.painting.foreign.a1111_settings import Setting, find_settings, meaning, parse_settings
from impasto.painting.foreign.record import (
    ForeignRecord,
    RecordError,
    count,
    is_placeholder,
    lora_rows,
    name_or_none,
    parse_json,
    plain_text,
    real_number,
    size_of,
    told,
    whole_number,
)

__all__ = ["NEGATIVE", "parse_parameters", "parse_settings", "quote_setting", "read_a1111"]

NEGATIVE = "Negative prompt:"
_NEGATIVE = re.compile(r"negative prompt[ \t]*:", re.IGNORECASE)
_NEGATIVE_LINE = re.compile(r"^[ \t]*negative prompt[ \t]*:", re.IGNORECASE | re.MULTILINE)
_PROMPT = re.compile(r"\s*(?:positive )?prompt[ \t]*:[ \t]*", re.IGNORECASE)
_COMMA = re.compile(r",\s*\Z")
_LONGEST = 4 << 20
# The chunk and the comments that hold such a text. A camera's comment is no record: it needs settings.
_COMMENTS = ("UserComment", "ImageDescription", "Comment", "XPComment", "Description")


def quote_setting(value: object) -> str:
    """Returns `value` as text for the settings line, or as a JSON string if the plain text would break the line."""
    text = str(value)
    needs = any(mark in text for mark in ",:\n\r|") or text[:1] in ('"', "{", "[") or text != text.strip()
    return json.dumps(text, ensure_ascii=False) if needs else text


def read_a1111(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns the record in `parameters` (PNG) or in a comment (EXIF, XMP, JPEG), or None.

    Raises:
        RecordError: the text is JSON of a tool that Impasto does not know, or more than 4 million characters.
    """
    text = texts.get("parameters", "")
    if text.strip():
        if len(text) > _LONGEST:
            raise RecordError(f"its parameters text is too large to read ({len(text):,} characters)")
        if text.lstrip().startswith("{") and _is_json_object(text):
            raise RecordError("its parameters text is JSON of a tool that impasto does not know")
        return parse_parameters(text)
    for name in _COMMENTS:
        text = texts.get(name, "")
        if len(text) > _LONGEST:
            raise RecordError(f"its {name} is too large to read ({len(text):,} characters)")
        if text.strip() and not text.lstrip().startswith("{") and _has_settings(text):
            return parse_parameters(text)
    return None


def parse_parameters(text: str) -> ForeignRecord:
    """Parses A1111's `parameters` text into a record. Text that fits no other field becomes the prompt."""
    text = text.replace("\r\n", "\n").strip()
    start, settings = find_settings(text)
    prompt, negative = _prompts(text[:start], bool(settings))
    values, extra = _sorted(settings)
    untold: dict[str, str] = {}
    seed = whole_number(values.get("seed"))
    if seed is not None and seed < 0:
        untold["seed"] = f"{seed} means a random one"
        seed = None
    checkpoint, loras = _civitai_models(extra.get("Civitai resources", ""))
    if loras:
        extra["loras"] = loras
    if not name_or_none(values.get("checkpoint")):
        values["checkpoint"] = checkpoint
    width, height = size_of(values.get("size"))
    for name in ("steps", "guidance", "seed", "size"):
        if name in values and values[name] and not is_placeholder(values[name]) and name not in untold:
            read = {"steps": count, "guidance": real_number, "seed": whole_number, "size": lambda v: size_of(v)[0]}[name]
            if read(values[name]) is None:
                untold[name] = f"{plain_text(values[name])[:80]!r} cannot be understood"
    return ForeignRecord(
        tool=_tool(extra.get("Version", ""), extra),
        prompt=prompt,
        negative=negative,
        seed=seed,
        sampler=name_or_none(values.get("sampler")),
        steps=count(values.get("steps")),
        guidance=real_number(values.get("guidance")),
        width=width or count(values.get("width")),
        height=height or count(values.get("height")),
        checkpoint=name_or_none(values.get("checkpoint")),
        extra=extra,
        untold=untold,
    )


def _sorted(settings: list[Setting]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the values of the usual settings by their meaning, and all other settings by their own names."""
    values: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    # "Guidance" alone is Flux's own where there is a CFG scale as well.
    for one in sorted(settings, key=lambda one: one.name.strip().lower() == "guidance"):
        kind = meaning(one.name)
        if kind and kind not in values:
            values[kind] = one.value
            continue
        name, value = plain_text(one.name), told(one.value)
        if name and value:
            others.setdefault(name, []).append(value)
    return values, {name: "; ".join(dict.fromkeys(texts)) for name, texts in others.items()}


def _civitai_models(resources: str) -> tuple[str, str]:
    """Returns the checkpoint and the LoRAs in Civitai's list of what a picture was made with; "" if it names none."""
    try:
        rows = parse_json(resources or "[]", "Civitai resources")
    except RecordError:
        return "", ""
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    names = [plain_text(row.get("modelName")) for row in rows if str(row.get("type")).lower() == "checkpoint"]
    loras = [row for row in rows if str(row.get("type")).lower() in ("lora", "lycoris", "locon", "dora")]
    return next(filter(None, names), ""), lora_rows([{"name": row.get("modelName"), **row} for row in loras])


def _has_settings(text: str) -> bool:
    return bool(find_settings(text.replace("\r\n", "\n").strip())[1])


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(parse_json(text, "parameters"), dict)
    except RecordError:
        return False


def _prompts(text: str, with_settings: bool) -> tuple[str, str]:
    """Returns the prompt and the negative prompt, which begins at a line's start, else inside a line and unquoted."""
    cut = _NEGATIVE_LINE.search(text)
    if cut is None:
        quotes = place = 0
        for found in _NEGATIVE.finditer(text):
            quotes += text.count('"', place, found.start())
            place = found.start()
            cut = found if quotes % 2 == 0 else cut
    prompt, negative = (text, "") if cut is None else (text[: cut.start()], text[cut.end() :])
    # On one line, a comma may stand before what follows; it belongs to neither.
    if cut is not None and not _ends_line(prompt):
        prompt = _COMMA.sub("", prompt)
    if with_settings and not _ends_line(text):
        prompt, negative = (prompt, _COMMA.sub("", negative)) if cut is not None else (_COMMA.sub("", prompt), negative)
    named = _PROMPT.match(prompt)
    if named is not None and (with_settings or cut is not None):
        prompt = prompt[named.end() :]
    return plain_text(prompt), plain_text(negative)


def _ends_line(text: str) -> bool:
    """Returns whether what follows `text` begins a line."""
    return not text or text.rstrip(" \t").endswith("\n")


def _tool(version: str, extra: Mapping[str, str]) -> str:
    """Returns the name of the tool that wrote the settings, which its version tells."""
    for start, tool in (
        ("impasto", "impasto"), ("ComfyUI", "ComfyUI"), ("Fooocus", "Fooocus"), ("RuinedFooocus", "RuinedFooocus"),
        ("SwarmUI", "SwarmUI"), ("stable-diffusion.cpp", "stable-diffusion.cpp"),
    ):  # fmt: skip
        if version.lower().startswith(start.lower()):
            return tool
    if any(name.startswith("Civitai") for name in extra):
        return "Civitai"
    if "Seed Mode" in extra:
        return "Draw Things"
    if {"Pipeline", "Parser", "Backend", "App"} & set(extra):
        return "SD.Next"
    return "Forge" if re.match(r"f\d", version) else "A1111"
