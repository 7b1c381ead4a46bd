"""Texts of unknown origin, as they may be printed: one line each, without what could steer a terminal."""

import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, lone surrogates, line and paragraph separators


def cleaned(text: str) -> str:
    """The text in one line, without what does not print: controls, lone surrogates, line separators."""
    if not unprintable(text):
        return text
    letters = (" " if unicodedata.category(c) in _UNPRINTABLE else c for c in text)
    return " ".join("".join(letters).split())


def unprintable(text: str) -> bool:
    """Whether the text holds controls, lone surrogates or line separators."""
    return not text.isprintable() and any(unicodedata.category(letter) in _UNPRINTABLE for letter in text)
