r"""Reads the prompt syntax of A1111's web UI, which its forks, ComfyUI and InvokeAI's importers write as well.

`(a:1.3)` weighs words by 1.3, `(a)` by 1.1, `[a]` by 1/1.1, and they multiply; `\(`, `\[`, `\:`, `\\`, `\<` are the
characters themselves; `BREAK` begins another text of the text encoder's length; `<lora:name:0.5>` asks for a LoRA. A text
without any of these is returned as it is.
"""

import re
from dataclasses import dataclass, replace

from impasto.prompts.condition import Condition

A1111, COMPEL, PLAIN = "a1111", "compel", "plain"
SYNTAXES = (A1111, COMPEL, PLAIN)
ROUND, SQUARE = 1.1, 1 / 1.1  # the factors of A1111's (a) and [a]
LARGEST_WEIGHT = 1000.0  # what is beyond is limited, so that states stay finite in fp16, too
_USUAL = (0.0, 2.0)
_BREAK = re.compile(r"(?<!\s)\s*\bBREAK\b\s*")
_TAG = re.compile(r"(?<!\\)<(?P<kind>lora|lyco|hypernet):(?P<words>[^<>\n]*)>", re.IGNORECASE)
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)"
_TOKENS = re.compile(rf"\\[()\[\]\\<:]|\(|\[|:\s*(?P<weight>{_NUMBER})\s*\)|\)|\]|[^\\()\[\]:]+|.", re.DOTALL)
_SPECIAL = re.compile(r"([\\()\[\]]|<(?=(?:lora|lyco|hypernet):))", re.IGNORECASE)
# Of A1111's grammar: [from:to:when], [to:when] and [a|b], without a bracket inside.
_EDITING = re.compile(rf"(?<!\\)\[(?:(?P<before>[^\[\]:|]*):)?(?P<after>[^\[\]:|]*):\s*{_NUMBER}\s*\]")
_TURNS = re.compile(r"(?<!\\)\[(?P<first>[^\[\]|]*)\|[^\[\]]*(?<!\\)\]")

# Words, and the factor of their token states.
Piece = tuple[str, float]


@dataclass(frozen=True)
class LoraTag:
    """A LoRA that a prompt asks for.

    Attributes:
        name: its name: that of its file, without the ending.
        scale: the factor of its change; None if the tag has none.
        written: the tag as it was typed.
    """

    name: str
    scale: float | None
    written: str


@dataclass(frozen=True)
class Weights:
    """The caption and the negative prompt with their weights and BREAKs, in A1111's syntax; "" for one without any."""

    prompt: str = ""
    negative: str = ""

    def __bool__(self) -> bool:
        return bool(self.prompt or self.negative)


@dataclass(frozen=True)
class ReadText:
    """A text whose syntax was read.

    Attributes:
        words: the words alone.
        weighted: the text with weights and BREAKs, in A1111's syntax; "" if it has none.
        tags: the LoRAs that it asks for.
        notes: sentences on what was not understood.
    """

    words: str
    weighted: str = ""
    tags: tuple[LoraTag, ...] = ()
    notes: tuple[str, ...] = ()


def read_weights(text: str) -> ReadText:
    """Reads A1111's syntax in a caption or a negative prompt. A text without it comes back unchanged, as `words`."""
    notes: list[str] = []
    without, tags = _without_tags(text, notes)
    without = _without_schedules(without, notes)
    chunks = _chunks(without, notes)
    words = " ".join("".join(piece for piece, _ in chunk) for chunk in chunks)
    if len(chunks) == 1 and all(weight == 1 for _, weight in chunks[0]):
        return ReadText(words, "", tags, tuple(notes))
    for piece, weight in (piece for chunk in chunks for piece in chunk):
        if abs(weight) == LARGEST_WEIGHT:
            shown = piece.strip()[:60]
            notes.append(f"the weight of {shown!r} is limited to {weight:g}, 0 to 2 is usual: \\: is a plain colon")
        elif not _USUAL[0] <= weight <= _USUAL[1]:
            shown = piece.strip()[:60]
            notes.append(f"the weight {weight:g} of {shown!r} is unusual, 0 to 2 is usual: \\: is a plain colon")
    return ReadText(words, _written(chunks), tags, tuple(notes))


def pieces_of(weighted: str) -> list[list[Piece]]:
    """Returns the texts between BREAKs of a text that `read_weights` or `weighted_text` wrote, each as words and weights."""
    return _chunks(weighted, [])


def weighted_text(condition: Condition, caption: str) -> str:
    """Returns the condition's whole text in A1111's syntax: `caption` with its weights, and the other parts as words."""
    parts = {name: escaped(value) if isinstance(value, str) else value for name, value in condition.as_dict().items()}
    return replace(Condition.from_dict(parts), caption=caption).text()


def escaped(text: str) -> str:
    """Returns the text with backslashes before the characters that mean something in A1111's syntax."""
    text = _SPECIAL.sub(r"\\\1", text)
    return re.sub(r"\bBREAK\b", "break", text)


def _without_tags(text: str, notes: list[str]) -> tuple[str, tuple[LoraTag, ...]]:
    """Returns the text without its tags, and the LoRAs that they name."""
    tags: list[LoraTag] = []
    for found in _TAG.finditer(text):
        name, *numbers = (part.strip() for part in found["words"].split(":"))
        if found["kind"].lower() == "hypernet":
            notes.append(f"{found[0]} is left out: hypernetworks cannot be used here")
            continue
        scale = _scale(numbers)
        if not name or (numbers and scale is None):
            notes.append(f"{found[0]} is left out: write <lora:name:0.8>")
            continue
        if len(set(numbers)) > 1:
            notes.append(f"{found[0]}: {scale:g} is used for U-Net and text encoder alike")
        tags.append(LoraTag(name, scale, found[0]))
    if not _TAG.search(text):
        return text, ()
    text = " ".join(_TAG.sub(" ", text).split())
    return re.sub(r"\s*,(?:\s*,)+", ",", text).replace(" ,", ",").strip(" ,"), tuple(tags)


def _scale(numbers: list[str]) -> float | None:
    """Returns the tag's scale for the U-Net: `0.5`, the second of two numbers, or `unet=0.5`; None if there is none."""
    named: dict[str, str] = {}
    for number in numbers:
        side, equals, value = number.partition("=")
        if equals:
            named[side.strip()] = value.strip()
    plain = [number for number in numbers if "=" not in number]
    value = named.get("unet") or (plain[1] if len(plain) > 1 else plain[0] if plain else named.get("te", ""))
    return float(value.replace(",", ".")) if re.fullmatch(_NUMBER, value) else None


def _without_schedules(text: str, notes: list[str]) -> str:
    """Returns the text with one choice in place of what A1111 changes from step to step, and notes it."""
    while found := _EDITING.search(text):
        kept = found["after"].strip() or (found["before"] or "").strip()
        notes.append(f"{found[0]} changes while A1111 paints: here it is {kept!r} throughout; (a:1.3) weighs words")
        text = text[: found.start()] + kept + text[found.end() :]
    while found := _TURNS.search(text):
        kept = found["first"].strip()
        notes.append(f"{found[0]} alternates while A1111 paints: here it is {kept!r} throughout; {{a|b}} is chosen by seed")
        text = text[: found.start()] + kept + text[found.end() :]
    if re.search(r"\bAND\b", text) and re.search("[a-z]", text):
        notes.append("AND joins several prompts in A1111: here it is a word; BREAK begins another text")
    return text


def _chunks(text: str, notes: list[str]) -> list[list[Piece]]:
    """Parses the text as A1111's `parse_prompt_attention` does: brackets multiply the weights of all that is in them."""
    pieces: list[list[str | float]] = []
    round_, square = [], []

    def multiply(start: int, factor: float) -> None:
        for piece in pieces[start:]:
            piece[1] = max(-LARGEST_WEIGHT, min(LARGEST_WEIGHT, float(piece[1]) * factor))

    for found in _TOKENS.finditer(text):
        token, weight = found[0], found["weight"]
        number = None if weight is None else float(weight.replace(",", "."))
        if len(token) == 2 and token[0] == "\\":
            pieces.append([token[1], 1.0])
        elif token == "(":
            round_.append(len(pieces))
        elif token == "[":
            square.append(len(pieces))
        elif number is not None and round_:
            multiply(round_.pop(), number)
        elif number is not None:
            pieces.append([token, 1.0])
            notes.append(f"{token!r} has no '(' before it: these are words")
        elif token == ")" and round_:
            multiply(round_.pop(), ROUND)
        elif token == "]" and square:
            multiply(square.pop(), SQUARE)
        else:
            pieces.append([token, 1.0])
    for place, factor, mark in [(place, ROUND, "(") for place in round_] + [(place, SQUARE, "[") for place in square]:
        if place < len(pieces):
            notes.append(f"a {mark!r} is not closed: it counts up to the prompt's end; \\{mark} is the character itself")
        multiply(place, factor)
    for place, mark in sorted([(p, "(") for p in round_] + [(p, "[") for p in square], reverse=True):
        if place == len(pieces):  # nothing comes after it, as in ":("
            pieces.append([mark, 1.0])
    return _joined(pieces)


def _joined(pieces: list[list[str | float]]) -> list[list[Piece]]:
    """Splits pieces at BREAK, and joins neighbours of one weight; texts and weights stay in order."""
    chunks: list[list[Piece]] = [[]]
    for text, weight in pieces:
        weight = round(float(weight), 6)
        for number, part in enumerate(_BREAK.split(str(text))):
            if number:
                chunks.append([])
            chunk = chunks[-1]
            if part and chunk and chunk[-1][1] == weight:
                chunk[-1] = (chunk[-1][0] + part, weight)
            elif part:
                chunk.append((part, weight))
    return [chunk for chunk in chunks if "".join(text for text, _ in chunk).strip()] or [[]]


def _shown(weight: float) -> str:
    """Returns the weight with six decimals at most, without an exponent: "1.21"."""
    return f"{weight:.6f}".rstrip("0").rstrip(".")


def _written(chunks: list[list[Piece]]) -> str:
    """Writes pieces in A1111's syntax; `_chunks` reads them back."""

    def piece(text: str, weight: float) -> str:
        text = escaped(text)
        return text if weight == 1 else f"({text}:{_shown(weight)})"

    return " BREAK ".join("".join(piece(*one) for one in chunk).strip() for chunk in chunks)
