"""What is told about edits before they are painted: the mask's polarity, strength 0, transparent pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest


def edit_notes(requests: "Sequence[PaintRequest]") -> list[str]:
    """Returns the sentences about the edits of these requests, each once."""
    notes: dict[str, None] = {}
    for edit in dict.fromkeys(request.edit for request in requests if request.edit is not None):
        if edit.source.is_transparent:
            notes[f"{edit.source.note.name} is transparent in parts: they are white now"] = None
        if edit.mask is not None:
            from impasto.painting.editing.masks import say_mask

            notes |= dict.fromkeys(say_mask(edit.mask, soft=edit.is_soft))
        if edit.strength == 0 and not edit.is_unchanged:
            notes["strength 0: the picture goes through the autoencoder, and nothing is painted"] = None
        if edit.strength == 1 and edit.kind == "from":
            notes["strength 1: nothing of the picture remains; it is the painting of that seed"] = None
    return list(notes)
