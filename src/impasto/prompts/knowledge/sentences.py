"""Splits prose of any language into sentences, and tells whole sentences from fragments."""

import re

# Marks that end a sentence: with a space behind them in scripts that write spaces, without one in the others.
_END = re.compile(
    r"(?P<spaced>[.!?…؟۔।॥։።။។][\"'”’»)\]]*)\s+(?=\S)|(?P<wide>[。！？｡．][”’」』）》\"')]*)\s*(?=\S)",
)
_CLOSING = "\"'”’»)]」』）》"
_MARKS = ".!?…。！？｡．؟۔।॥։።။។"
_WORD = re.compile(r"[^\W_]+$")
# A full stop behind one of these ends no sentence; behind those of the second set only if no number follows.
_SHORT = (
    "st mt ca dr mr mrs ms prof vs bzw inkl evtl sog geb gest hl av apr ee sta sto sra bijv np tzw św им св ул mme mlle ste"
)
_ABBREVIATIONS = frozenset(_SHORT.split())
_BEFORE_NUMBERS = {"no", "nr", "vol", "fig", "pp", "art", "bd", "núm", "nº"}
# "Am 3. Oktober": an ordinal. Other languages that write ordinals so have months in small letters.
_GERMAN_MONTH = re.compile(r"(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b")
# Scripts without spaces between words: kana, Chinese characters; then those without marks at the end of a sentence.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_UNMARKED = re.compile(r"[\u0e00-\u0eff]")
_MOST_UNMARKED = 200  # characters of a piece of text in such a script


def split_sentences(text: str) -> list[str]:
    """Splits plain prose into sentences, each with its full stop.

    A full stop ends no sentence behind a single letter ("J. M. W. Turner", "z. B."), behind usual abbreviations, and before
    a small letter. Chinese and Japanese marks need no space behind them.
    """
    text = " ".join(text.split())
    ends = [match.end(match.lastgroup or 0) for match in _END.finditer(text) if match["wide"] or _ends(text, match)]
    parts = [text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [part for part in parts if part]


def _ends(text: str, match: re.Match[str]) -> bool:
    following = text[match.end() :]
    if following[0].islower():
        return False
    if text[match.start()] != ".":
        return True
    before = _WORD.search(text, max(0, match.start() - 24), match.start())
    word = before[0].casefold() if before else ""
    if (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS:
        return False
    if word in _BEFORE_NUMBERS and following[0].isdigit():
        return False
    return not (word.isdigit() and len(word) <= 2 and _GERMAN_MONTH.match(following))


def is_whole(sentence: str) -> bool:
    """Returns whether a sentence ends as sentences do, with or without closing quotes. Thai and Lao have no such mark."""
    bare = sentence.rstrip(_CLOSING)
    return bare.endswith(tuple(_MARKS)) or bool(_UNMARKED.search(bare[-3:]))


def size_in_words(text: str) -> float:
    """Returns the number of words; two letters count as one in scripts that write no spaces between words."""
    unspaced = len(_UNSPACED.findall(text))
    return unspaced / 2 + len(_UNSPACED.sub(" ", text).split())


def pieces(line: str) -> list[str]:
    """Returns the sentences of a line; a line in a script without marks for their end is cut at spaces instead."""
    if not _UNMARKED.search(line):
        return split_sentences(line)
    found: list[str] = []
    for clause in line.split():
        if found and len(found[-1]) + len(clause) < _MOST_UNMARKED:
            found[-1] += f" {clause}"
        else:
            found.append(clause[:_MOST_UNMARKED])
    return found
