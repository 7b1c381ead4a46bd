"""Reads NovelAI's record: JSON in `Comment`, the prompt in `Description`, the model in `Source`."""

from collections.abc import Mapping

from impasto.painting.foreign.record import (
    ForeignRecord,
    count,
    others,
    parse_object,
    plain_text,
    real_number,
    whole_number,
)

_KNOWN = {"prompt", "uc", "seed", "sampler", "steps", "scale", "width", "height"}


def read_novelai(texts: Mapping[str, str]) -> ForeignRecord | None:
    """Returns NovelAI's record among the `texts`, or None. A `Comment` counts only if `Software` is "NovelAI".

    Raises:
        RecordError: the comment is not a valid JSON object.
    """
    if texts.get("Software") != "NovelAI" or "Comment" not in texts:
        return None
    values = parse_object(texts["Comment"], "its NovelAI comment")
    return ForeignRecord(
        tool="NovelAI",
        prompt=plain_text(texts.get("Description") or values.get("prompt")),
        negative=plain_text(values.get("uc")),
        seed=whole_number(values.get("seed")),
        sampler=plain_text(values.get("sampler")),
        steps=count(values.get("steps")),
        guidance=real_number(values.get("scale")),
        width=count(values.get("width")),
        height=count(values.get("height")),
        checkpoint=plain_text(texts.get("Source")),
        extra=others(values, _KNOWN),
    )
