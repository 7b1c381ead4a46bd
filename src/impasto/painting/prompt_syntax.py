"""Reads the prompt syntax of a request's texts: `impasto.prompts.syntax` for the caption and the negative prompt."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from impasto.checkpoints.applied_adapters import AppliedLora
from impasto.errors import UsageError
from impasto.painting.request import PaintRequest
from impasto.prompts.syntax import read_text
from impasto.prompts.weights import A1111, LoraTag, ReadText, Weights


def read_syntax(
    request: PaintRequest, *, prompt: bool = True, negative: bool = True, syntax: str = A1111
) -> tuple[PaintRequest, tuple[str, ...]]:
    """Returns the request with its caption and negative prompt as words, their weights and LoRA tags beside them; and notes.

    A request without any syntax is returned unchanged.

    Args:
        request: its caption and negative prompt are as typed, with wildcards resolved.
        prompt, negative: whether the text is read; a text that is not keeps the weights that the request has.
        syntax: "a1111" or "compel".

    Raises:
        UsageError: nothing remains to be painted.
    """
    weights = request.weights or Weights()
    notes: list[str] = []
    changes: dict[str, Any] = {}
    if prompt:
        caption = request.condition.caption
        read = read_text(caption, syntax)
        notes += read.notes
        weights = replace(weights, prompt=read.weighted)
        if read.words != caption or read.weighted:
            changes["condition"] = replace(request.condition, caption=read.words.strip())
            changes["prompt"] = request.prompt or caption
        changes["tags"] = read.tags
    if negative:
        read = read_text(request.negative, syntax)
        notes += [*read.notes, *_left_out(read)]
        weights = replace(weights, negative=read.weighted)
        if read.words != request.negative or read.weighted:
            changes["negative"] = read.words.strip()
            changes["negative_prompt"] = request.negative_prompt or request.negative
    return replace(request, **changes, weights=weights or None), tuple(dict.fromkeys(notes))


def _left_out(negative: ReadText) -> list[str]:
    """Returns a note for each LoRA in a negative prompt: merging it would lead towards what is to be kept away."""
    return [
        f"{tag.written} in the negative prompt is left out: a LoRA changes both sides; a negative scale in the prompt or in"
        " --lora leads away from it"
        for tag in negative.tags
    ]


def check_tags(tags: Iterable[LoraTag], loras: Iterable[AppliedLora]) -> None:
    """Raises UsageError if a tag names a LoRA that is not among those merged into a painter's checkpoint."""
    merged = {lora.name.casefold() for lora in loras}
    for tag in tags:
        if tag.name.casefold() not in merged:
            raise UsageError(f"{tag.written}: this painter has no LoRA {tag.name}: load it with loras=[...]")
