"""Checks the new words and templates of a personalisation (DreamBooth, textual inversion), without torch."""

from impasto.checkpoints.applied_adapters import is_single_word
from impasto.errors import UsageError

TEMPLATE = "a painting of {}"


def filled(template: str, words: str, option: str) -> str:
    """Returns `template` with the words in place of its {}.

    Raises:
        UsageError: there are no words (the message names `option`), or the template does not have exactly one {}.
    """
    words = " ".join(words.split())
    if not words:
        raise UsageError(f"{option} is empty: say what the pictures show")
    if template.count("{}") != 1:
        raise UsageError(f"template {template!r}: use one {{}}, where the words belong, such as {TEMPLATE!r}")
    return template.replace("{}", words)


def check_name(name: str) -> None:
    """Raises UsageError if a concept cannot be called `name`."""
    if not name.strip():
        raise UsageError("--concept is empty: give the new word, such as <blue-hour>")
    if not is_single_word(name):
        raise UsageError(f"--concept {name[:60]!r} is no single word: leave out spaces, as in <blue-hour>")
