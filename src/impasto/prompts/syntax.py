"""Reads a text in one of the prompt syntaxes, and names what other tools' syntax in it would have meant."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from impasto.errors import UsageError
from impasto.prompts.compel import as_a1111, factor
from impasto.prompts.weights import A1111, COMPEL, PLAIN, ReadText, read_weights

_MOST = 6  # pieces that one note names
# A text encoder reads 77 tokens, about 400 characters, of each text between BREAKs. Reading many nested brackets takes time
# with the square of their number: 3 s at this length.
LONGEST = 10_000
_END = r"(?=[\s,.;:!?)\]]|$)"
_COMPEL = re.compile(
    r"(?P<open>(?<!\\)[(\[])(?P<words>[^()\[\]]*)(?<!\\)[)\]](?P<mark>\++|-+|\d*\.\d+|[0-3])" + _END
    + r"""|(?<![\w'-])(?P<word>[^\W_][\w'-]*?)(?P<signs>\+{2,}|-{2,}|(?<=[a-z]{3})\+)""" + _END
)  # fmt: skip
_METHOD = re.compile(r"\)\.(and|blend|swap)\([^()]*\)")
_NOVELAI = re.compile(r"(?<![\w.{|])(?P<weight>-?\d{0,9}\.?\d{1,9})::(?P<words>[^:{}|]+)::")
_MIDJOURNEY_WEIGHT = re.compile(r"::(-?\d{0,9}\.?\d{1,9})(?![\d:.])")
_BETWEEN_WEIGHTS = re.compile(r"[:,{}|]")
_MIDJOURNEY_OPTION = re.compile(
    r"(?<!\S)(?:--|—)(?:ar|aspect|v|version|stylize|s|no|seed|q|quality|chaos|iw|niji|tile|style)\b[^-—]*"
)
_EMBEDDING = re.compile(r"\bembedding:([\w./-]+)")
_FULL_WIDTH = re.compile("[\uff08\uff09\uff3b\uff3d\uff5b\uff5d]|\uff1a(?=\\d)")


def read_text(text: str, syntax: str = A1111) -> ReadText:
    """Reads a caption or a negative prompt in the syntax "a1111", "compel" or "plain" (all are words).

    Raises:
        UsageError: it has more than 10,000 characters.
    """
    if len(text) > LONGEST:
        raise UsageError(f"a prompt of {len(text)} characters: use {LONGEST} at most, it begins with {text[:40]!r}")
    if syntax == PLAIN:
        return ReadText(text)
    if syntax == COMPEL:
        translated, notes = as_a1111(text)
        read = read_weights(translated)
        return replace(read, notes=(*notes, *read.notes))
    read = read_weights(text)
    return replace(read, notes=(*read.notes, *foreign_notes(text)))


def foreign_notes(text: str) -> list[str]:
    """Returns sentences on the syntax of other tools in a text that is read as A1111's: what it is, and what to write."""
    notes = []
    pieces = {found[0]: f"({found['words'] or found['word']}:{_weight(found)})" for found in _COMPEL.finditer(text)}
    if pieces:
        written = _listed(pieces.values())
        notes.append(
            f"{_listed(pieces)}: Compel's (InvokeAI's) weights, words here: write {written}, or give --prompt-syntax compel"
        )
    if found := _METHOD.search(text):
        notes.append(
            f".{found[1]}() is Compel's (InvokeAI's), words here: give --prompt-syntax compel, or BREAK between texts"
        )
    novel = {found[0]: f"({found['words'].strip()}:{found['weight']})" for found in _NOVELAI.finditer(text)}
    if novel:
        notes.append(f"{_listed(novel)}: NovelAI's weights, words here: write {_listed(novel.values())}")
    else:
        journey = {f"{words}::{weight}": f"({words.strip()}:{weight})" for words, weight in _midjourney_weights(text)}
        if journey:
            notes.append(f"{_listed(journey)}: Midjourney's weights, words here: write {_listed(journey.values())}")
    if options := {found[0].strip(): "" for found in _MIDJOURNEY_OPTION.finditer(text)}:
        notes.append(f"{_listed(options)}: options inside a prompt are words; give --size, --seed, --negative to impasto")
    if embedded := {found[0]: found[1] for found in _EMBEDDING.finditer(text)}:
        named = _listed(embedded.values())
        notes.append(f"{_listed(embedded)}: ComfyUI's, words here: write {named}, and give --concept FILE")
    if wide := _FULL_WIDTH.findall(text):
        notes.append(f"{_listed(dict.fromkeys(wide))}: full-width brackets and colons are words: write ( ) [ ] {{ }} and :")
    return notes


def _midjourney_weights(text: str) -> Iterator[tuple[str, str]]:
    """Yields words and their weight for each `words::weight`, in time proportional to the text."""
    start = 0
    for found in _MIDJOURNEY_WEIGHT.finditer(text):
        words = _BETWEEN_WEIGHTS.split(text[start : found.start()])[-1]
        start = found.end()
        if first := re.search(r"\w", words):
            yield words[first.start() :], found[1]


def _weight(found: re.Match[str]) -> str:
    return f"{round(factor(found['mark'] or found['signs']), 3):g}"


def _listed(pieces: Iterable[str]) -> str:
    shown = [piece[:60] for piece in pieces]
    more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    return ", ".join(shown[:_MOST]) + more
