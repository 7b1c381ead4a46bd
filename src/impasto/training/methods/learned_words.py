"""The words that a personalisation teaches, checked without torch."""

from impasto.checkpoints.applied_adapters import is_single_word
from impasto.errors import UsageError

TEMPLATE = "a painting of {}"


def filled(template: str, words: str, option: str) -> str:
    """`template` with the words in place of its {}.

    Raises:
        UsageError: there are no words (named as `option`), or the template has not one place for them.
    """
    words = " ".join(words.split())
    if not words:
        raise UsageError(f"{option} is empty: say what the pictures show")
    if template.count("{}") != 1:
        raise UsageError(f"template {template!r}: use one {{}}, where the words belong, such as {TEMPLATE!r}")
    return template.replace("{}", words)


def check_name(name: str) -> None:
    """Raises UsageError where a concept cannot be called `name`."""
    if not name.strip():
        raise UsageError("--concept is empty: give the new word, such as <blue-hour>")
    if not is_single_word(name):
        raise UsageError(f"--concept {name[:60]!r} is no single word: leave out spaces, as in <blue-hour>")
