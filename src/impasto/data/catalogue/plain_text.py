"""Makes texts of unknown origin safe to print: one line each, without characters that could control a terminal."""

import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line and paragraph separators


def cleaned(text: str) -> str:
    """Returns the text on one line, without control characters, lone surrogates and line separators."""
    if not unprintable(text):
        return text
    letters = (" " if unicodedata.category(c) in _UNPRINTABLE else c for c in text)
    return " ".join("".join(letters).split())


def unprintable(text: str) -> bool:
    """Returns whether the text contains control characters, lone surrogates or line separators."""
    return not text.isprintable() and any(unicodedata.category(letter) in _UNPRINTABLE for letter in text)
