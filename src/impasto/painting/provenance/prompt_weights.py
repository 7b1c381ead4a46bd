"""Reads the weights of a prompt's words in a painting's record, as untrusted input."""

from typing import Any

from impasto.painting.foreign import RecordError
from impasto.prompts.weights import Weights

_LONGEST = 100_000


def read_prompt_weights(value: Any) -> Weights | None:
    """Reads the field `weights`; None, as in older pictures, gives None.

    Raises:
        RecordError: the value is not one that Impasto writes.
    """
    if value is None:
        return None
    texts = [value.get("prompt"), value.get("negative")] if isinstance(value, dict) else []
    known = [text for text in texts if isinstance(text, str) and len(text) <= _LONGEST and _is_line(text)]
    if len(known) != 2:
        raise RecordError("its impasto record has no valid 'weights'")
    return Weights(*known)


def _is_line(text: str) -> bool:
    return all(mark >= " " and not "\x7f" <= mark <= "\x9f" for mark in text)
