"""The labels of token classifiers: positions (BIO, BILOU, BIOES) and names of entities."""

import re
from collections.abc import Mapping
from typing import Any

# BIO, BILOU and BIOES: begin, inside, last/end, unit/single.
_POSITION = re.compile(r"^(?P<place>[BILMEUS])[-_](?P<name>.+)$", re.IGNORECASE)
_BEGINS = "BUS"


def split_label(label: str) -> tuple[str, str]:
    """Returns a label's position, B or I, and its name; a label without a position, such as LOC, is joined like I-LOC."""
    match = _POSITION.match(label.strip())
    if match is None:
        return "I", label.strip().upper()
    return "B" if match["place"].upper() in _BEGINS else "I", match["name"].upper()


def labels_of(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Returns the names of the entities that a model's config.json lists, without "O"; None if it lists none."""
    named = config.get("id2label")
    if not isinstance(named, Mapping) or not named:
        return None
    return tuple(sorted({split_label(str(label))[1] for label in named.values()} - {"O"}))
