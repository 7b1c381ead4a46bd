"""Brings a picture's texts into one form: usual names whatever their case, and what tools pack into one JSON, unpacked."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from impasto.painting.foreign.comfyui_graph import as_text, holds_graph
from impasto.painting.foreign.record import RecordError, parse_json

# The texts that the readers know by name. Other tools write them in other cases ("Parameters", "Workflow").
_NAMES = (
    "parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Dream", "Software", "Comment", "Description",
    "Source", "Title", "UserComment", "ImageDescription", "XPComment", "fooocus_scheme", "parameters-json",
    "generation_data",
)  # fmt: skip
# Where a whole record may lie as one JSON object: comments of EXIF, XMP, JPEG and PNG, and hidden in the pixels.
_ENVELOPES = ("UserComment", "parameters", "ImageDescription", "Description", "Comment", "XPComment", "stealth")
_INSIDE = ("parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "extraMetadata")


def unpacked(texts: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts with the records in JSON envelopes beside them, under the names that these have in a PNG.

    A text that a picture has by itself is not replaced by one from an envelope.
    """
    found = {name: text.lstrip("\ufeff").rstrip("\0") for name, text in texts.items()}
    by_case = {name.lower(): name for name in reversed(list(texts))}
    for name in _NAMES:
        if name not in found and name.lower() in by_case:
            found[name] = found[by_case[name.lower()]]
    for name in ("prompt", "workflow"):
        if found.get(name, "").lstrip().startswith('"{'):  # some nodes that save pictures write JSON into JSON
            with suppress(RecordError):
                found[name] = as_text(parse_json(found[name], name))
    stealth = found.get("stealth", "")
    if stealth and not stealth.lstrip().startswith("{"):
        found.setdefault("parameters", stealth)
    for name in _ENVELOPES:
        values = json_object(found.get(name, ""))
        if values is None:
            continue
        inner = _inside(values)
        if name in inner and name in texts:  # an object that calls a part of itself as it is called
            found[name] = inner.pop(name)
        for key, text in inner.items():
            if key not in texts:
                found[key] = text
    return found


def json_object(text: str) -> dict[str, Any] | None:
    """Returns the JSON object that `text` is, or None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        values = parse_json(text, "it")
    except RecordError:
        return None
    return values if isinstance(values, dict) else None


def _inside(values: dict[str, Any]) -> dict[str, str]:
    """Returns the texts inside an envelope's JSON."""
    found: dict[str, str] = {}
    if holds_graph(values):
        found["prompt"] = as_text(values)
        if isinstance(values.get("extraMetadata"), str | dict):
            found["extraMetadata"] = as_text(values["extraMetadata"])
        return found
    lower = {key.lower(): value for key, value in values.items()}
    graph = lower.get("prompt")
    if isinstance(graph, str) and graph.lstrip().startswith("{"):
        graph = json_object(graph)
    if holds_graph(graph):
        found["prompt"] = as_text(graph)
    if isinstance(lower.get("workflow"), dict) and "nodes" in lower["workflow"]:
        found["workflow"] = as_text(lower["workflow"])
    for key in _INSIDE:
        if key not in ("prompt", "workflow") and isinstance(lower.get(key.lower()), str | dict):
            found[key] = as_text(lower[key.lower()])
    if isinstance(values.get("Comment"), str) and "software" in lower:  # NovelAI's texts as one
        found |= {key: value for key, value in values.items() if isinstance(value, str)}
    return found
