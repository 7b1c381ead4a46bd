"""Reads NovelAI's record: JSON in `Comment`, the prompt in `Description`, the model in `Source`.

Since its fourth version, each of several characters has a caption and places of its own.
"""

from collections.abc import Mapping
from typing import Any

from impasto.painting.foreign.record import (
    ForeignRecord,
    count,
    not_understood,
    others,
    parse_object,
    plain_text,
    real_number,
    told,
    whole_number,
)
from impasto.painting.foreign.texts import json_object

_ONLY_HERE = {"v4_prompt", "signed_hash", "request_type", "uncond_scale", "sm_dyn"}
_KNOWN = {"prompt", "uc", "seed", "sampler", "steps", "scale", "width", "height", "v4_prompt", "v4_negative_prompt"}


def read_novelai(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns NovelAI's record among the `texts`, or None.

    A `Comment` counts only if `Software` is "NovelAI", or if it has names that only NovelAI uses.

    Raises:
        RecordError: the comment is not a valid JSON object.
    """
    if "Comment" not in texts:
        return None
    if texts.get("Software", "").strip() != "NovelAI":
        values = json_object(texts["Comment"]) or {}
        if "uc" not in values or not values.keys() & _ONLY_HERE:
            return None
    else:
        values = parse_object(texts["Comment"], "its NovelAI comment")
    base, characters = _captions(values.get("v4_prompt"), "")
    avoided, avoided_characters = _captions(values.get("v4_negative_prompt"), "negative ")
    return ForeignRecord(
        tool="NovelAI",
        prompt=plain_text(texts.get("Description") or values.get("prompt")) or base,
        negative=plain_text(values.get("uc")) or avoided,
        seed=whole_number(values.get("seed")),
        sampler=plain_text(values.get("sampler")),
        steps=count(values.get("steps")),
        guidance=real_number(values.get("scale")),
        width=count(values.get("width")),
        height=count(values.get("height")),
        checkpoint=plain_text(texts.get("Source")),
        extra=characters | avoided_characters | others(values, _KNOWN),
        untold=not_understood({**values, "guidance": values.get("scale")}),
    )


def _captions(value: Any, kind: str) -> tuple[str, dict[str, str]]:
    """Returns the base caption of NovelAI 4's prompt, and the captions of its characters with their places (0 .. 1)."""
    values = value if isinstance(value, dict) else {}
    caption = values.get("caption")
    caption = caption if isinstance(caption, dict) else {}
    rows = caption.get("char_captions")
    found: dict[str, str] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        text = plain_text(row.get("char_caption")) if isinstance(row, dict) else told(row)
        if not text:
            continue
        centers = row.get("centers") if isinstance(row, dict) else None
        places = [one for one in centers if isinstance(one, dict)] if isinstance(centers, list) else []
        at = "; ".join(f"{plain_text(one.get('x'))}, {plain_text(one.get('y'))}" for one in places)
        found[f"{kind}character {number}"] = f"{text} (at {at})" if at else text
    found |= {f"{kind}prompt {name}": text for name, text in others(values, {"caption"}).items()}
    return plain_text(caption.get("base_caption")), found
