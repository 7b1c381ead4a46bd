"""Prepares texts for dynamicprompts: what its grammar would refuse or drop is named, or kept as plain characters.

Characters that are to be themselves are replaced by private ones while the library parses, and put back by `plain`.
"""

import re
from collections.abc import Callable, Iterator

# Backslashed, these are the characters themselves.
_BACKSLASHED = re.compile(r"\\([{}|_])")
_CHARACTERS = "{}|_%$#\\/"
_PRIVATE = {mark: chr(0xE000 + place) for place, mark in enumerate(_CHARACTERS)}
RESTORED = str.maketrans({private: mark for mark, private in _PRIVATE.items()})
_VARIABLE = re.compile(r"\$\{\s*[A-Za-z_-][\w-]*\s*(?:\??=|:|\})")
_ENDED = re.compile(r"__([^{}|$]+?)__")
_SAMPLED = re.compile(r"(?P<open>(?<![$%])\{\s*|__)(?P<mark>[~@!])(?=[^\s])")
_COUNT = re.compile(r"\s*(?:(?P<lower>\d+)?(?P<range>-)?(?P<upper>\d+)?)\$\$(?:[^${}]*\$\$)?")
_WEIGHT = re.compile(r"\s*\d*\.?\d+::")
_SHOWN = 60

Say = Callable[[str], object]


def literal(text: str) -> str:
    """Returns the text with private characters in place of the backslashed ones."""
    return _BACKSLASHED.sub(lambda found: _PRIVATE[found[1]], text)


def plain(text: str) -> str:
    """Returns the text with the characters themselves in place of private ones."""
    return text.translate(RESTORED)


def balanced(text: str, say: Say) -> str:
    """Returns the text with lone braces as plain characters; `say` is called with each, and with braces of no choice."""
    opened: list[int] = []
    lone: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for place, letter in enumerate(text):
        if letter == "{":
            opened.append(place)
        elif letter == "}" and opened:
            pairs.append((opened.pop(), place))
        elif letter == "}":
            lone.add(place)
            shown = plain(text[max(0, place - 30) : place])
            say(f"a '}}' has no '{{' before it, after {shown!r}: it is the character itself")
    for place in opened:
        lone.add(place)
        shown = plain(text[place : place + _SHOWN])
        say(f"a '{{' is not closed, in {shown!r}: it is the character itself; \\{{ is, too, without this note")
    for first, last in sorted(pairs):
        _say_no_choice(text, first, last, say)
    return "".join(_PRIVATE[letter] if place in lone else letter for place, letter in enumerate(text))


def _say_no_choice(text: str, first: int, last: int, say: Say) -> None:
    """Says that braces hold a single option, which other tools mean as a weight, or fewer than are to be chosen."""
    inner, before = text[first + 1 : last], text[first - 1 : first]
    if before == "$" and _VARIABLE.match(text, first - 1):
        return
    written = plain(text[first : last + 1])[:_SHOWN]
    if before == "%":
        if "$$" in inner:
            return
        written = f"%{written}"
    options = list(_options(inner))
    if count := _COUNT.match(inner):
        wanted = int(count["upper"] or count["lower"] or 0)
        if wanted > len(options) > 1 and "__" not in inner:
            say(f"{written} asks for {wanted} of {len(options)} options: it gets {len(options)} at most")
        return
    if len(options) == 1 and "__" not in inner and not _WEIGHT.match(inner) and not re.fullmatch(r"\s*\{.*\}\s*", inner):
        words = plain(inner).strip()
        hint = f"; ({words[:30]}:1.05) is NovelAI's weight, \\{{ \\}} are the braces themselves" if words else ""
        say(f"{written} offers no choice, and its braces are left out: write {{a|b}}{hint}")


def _options(inner: str) -> Iterator[str]:
    """Yields the options between the bars of the outermost level."""
    depth, start = 0, 0
    for place, letter in enumerate(inner):
        depth += (letter == "{") - (letter == "}")
        if letter == "|" and depth == 0:
            yield inner[start:place]
            start = place + 1
    yield inner[start:]


def without_samplers(text: str, say: Say) -> str:
    """Returns the text without dynamicprompts' marks of how options are taken: `{@a|b}`, `__~name__`.

    ~ is a choice by chance, as here anyhow. `say` is called with @ (in turn) and ! (all): one picture cannot follow them.
    """
    for found in _SAMPLED.finditer(text):
        if found["mark"] != "~":
            how = "takes options in turn" if found["mark"] == "@" else "makes a prompt of each option"
            shown = plain(text[found.start() : found.start() + 30])
            say(f"{shown!r}: {found['mark']} {how} in dynamicprompts: here the seed chooses; give --count for more")
    return _SAMPLED.sub(lambda found: found["open"], text)


def prepared(text: str, is_name: Callable[[str], bool]) -> str:
    """Returns a text with balanced braces in which all that is not of the grammar is plain characters.

    Args:
        text: the text; its lone braces are replaced (`balanced`).
        is_name: whether what stands between two pairs of underscores is the name of a list.
    """
    kept: dict[int, int] = {}  # place -> length of what is passed on as it is
    found = _ENDED.search(text)
    while found is not None:
        is_kept = is_name(re.sub(r"\([^()]*\)$", "", found[1]))
        if is_kept:
            kept[found.start()] = len(found[0])
        found = _ENDED.search(text, found.end() if is_kept else found.start() + 1)
    done: list[str] = []
    wraps: list[bool] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if length := kept.get(place):
            done.append(text[place : place + length])
            place += length
            continue
        if letter == "$" and _VARIABLE.match(text, place):
            done.append("$")
        elif wraps and text.startswith("$$", place):
            done.append("$$")
            place += 1
        elif letter == "%" and text.startswith("%{", place) and _is_wrap(text, place + 1):
            done.append("%")
        elif text.startswith("__", place):
            done.append(_PRIVATE["_"] * 2)
            place += 1
        elif letter in "%$#\\" or (letter == "/" and text[place + 1 : place + 2] in ("/", "*")):
            done.append(_PRIVATE[letter])
        else:
            if letter == "{":
                wraps.append(True)
            elif letter == "}" and wraps:
                wraps.pop()
            done.append(letter)
        place += 1
    return "".join(done)


def _is_wrap(text: str, first: int) -> bool:
    """Returns whether the braces that open at `first` hold `$$` on their own level: `%{... at night$$boats}`."""
    depth = 0
    for place in range(first, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return False
        if depth == 1 and text.startswith("$$", place):
            return True
    return False
