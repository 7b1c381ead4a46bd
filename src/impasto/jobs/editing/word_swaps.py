"""Words of a prompt that are replaced: `--swap "dog=cat"`, of a painting that is there and of one that is painted."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest

USUAL_CROSS, USUAL_SELF = 0.8, 0.4


def read_swaps(words: Sequence[str]) -> list[tuple[str, str]]:
    """Reads pairs of words, each as "OLD=NEW".

    Raises:
        UsageError: one has another form.
    """
    found = []
    for word in words:
        old, equals, new = (part.strip() for part in word.partition("="))
        if not (old and equals and new):
            raise UsageError(f'--swap {word!r}: use OLD=NEW, such as "dog=cat"')
        found.append((old, new))
    return found


def swapped(caption: str, swaps: Sequence[tuple[str, str]]) -> str:
    """Returns a caption with the first occurrence of each old word replaced, whatever its letters' case.

    Raises:
        UsageError: the caption lacks a word.
    """
    for old, new in swaps:
        found = re.search(rf"(?<!\w){re.escape(old)}(?!\w)", caption, re.IGNORECASE)
        if found is None:
            raise UsageError(f"the prompt {caption!r} lacks {old!r}: --swap names words that it holds")
        caption = caption[: found.start()] + new + caption[found.end() :]
    return caption


def check_swaps(
    prompt: str, swap: Sequence[str], cross: float | None, itself: float | None, *, expands: bool
) -> None:
    """Checks the options of a new painting whose words are swapped.

    Raises:
        UsageError: a value is invalid, or is given without a swap.
    """
    if not swap:
        lonely = "--cross-replace" if cross is not None else "--self-replace" if itself is not None else ""
        if lonely:
            raise UsageError(f'{lonely} is for swapped words: add --swap "dog=cat", or leave it away')
        return
    if expands:
        raise UsageError("--swap keeps the layout of the prompt as it is typed: leave --expand away")
    if re.search(r"[{(\[]|__", prompt):
        raise UsageError("--swap takes a prompt in plain words: leave brackets, wildcards and weights away")
    swapped(prompt, read_swaps(swap))
    for name, value in (("cross", cross), ("self", itself)):
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"--{name}-replace {value:g}: use 0 to 1, a share of the steps")


def with_swaps(
    request: "PaintRequest", swap: Sequence[str], cross: float | None, itself: float | None
) -> "PaintRequest":
    """Returns a request for the picture with other words and the layout of the one as asked for."""
    if not swap:
        return request
    from impasto.painting.prompt_to_prompt.record import WordsNote

    swaps = read_swaps(swap)
    note = WordsNote(
        request.condition.text(), tuple(swaps), (), USUAL_CROSS if cross is None else cross,
        USUAL_SELF if itself is None else itself,
    )  # fmt: skip
    condition = replace(request.condition, caption=swapped(request.condition.caption, swaps))
    return replace(request, condition=condition, words=note)
