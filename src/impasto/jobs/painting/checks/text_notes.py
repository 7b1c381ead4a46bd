"""Notes on what a checkpoint's text encoder cannot read of the prompts, and on concepts that no prompt names."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest

_LONGEST, _MOST = 200, 20


def text_notes(components: "Components", requests: "Sequence[PaintRequest]") -> list[str]:
    """Returns sentences on words beyond the token limit, words that are unknown to the tokenizer, and unused concepts."""
    texts = list(dict.fromkeys(text for request in requests for text in encoded_texts(request)))
    notes = []
    for text in texts:
        if unread := components.unread(text):
            room = f"the text encoder reads {components.max_tokens} tokens"
            notes.append(f"{room}; not read: {unread[:_LONGEST]!r} (BREAK begins another {components.max_tokens})")
    unknown = list(dict.fromkeys(word for text in texts for word in components.unknown(text)))
    if unknown:
        shown = ", ".join(repr(word[:40]) for word in unknown[:_MOST])
        more = f" and {len(unknown) - _MOST} more" if len(unknown) > _MOST else ""
        read = "is read as an unknown word" if len(unknown) == 1 else "are all read as the same unknown word"
        notes.append(f"{shown}{more}: not known to the text encoder of {components.base_name}, and {read}")
    for concept in components.concepts:
        named = re.compile(rf"(?<!\w){re.escape(concept.name)}(?!\w)", re.IGNORECASE)
        lacking = sum(not any(named.search(text) for text in encoded_texts(request)) for request in requests)
        if lacking:
            where = "in no prompt" if lacking == len(requests) else f"not in {lacking} of {len(requests)} prompts"
            word = concept.name
            notes.append(f"the concept {word} is {where}, where it has no effect: write the word {word} into the prompt")
    return notes


def encoded_texts(request: "PaintRequest") -> list[str]:
    """Returns the texts that are encoded for a request, without weights: of the prompt, then of the negative prompt."""
    from impasto.prompts.weights import pieces_of

    found: list[str] = []
    sides = ((request.weighted_prompt, request.condition.text()), (request.weighted_negative, request.negative))
    for weighted, plain in sides:
        chunks = pieces_of(weighted) if weighted else [[(plain, 1.0)]]
        found += ["".join(words for words, _ in chunk) for chunk in chunks]
    return found
