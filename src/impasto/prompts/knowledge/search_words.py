"""Prepares texts of any language for word search: no case, no accents, and pairs of letters where nothing is spaced."""

import re
import unicodedata

# Kana, Chinese characters and Hangul; Thai, Lao, Burmese and Khmer.
_UNSPACED = re.compile(
    "[\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\U00020000-\U0003134f]+"
)
# Letters that NFKD does not decompose, as they are not a letter with an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ı": "i"})


def search_text(text: str) -> str:
    """Returns `text` as words separated by spaces, in small letters without accents and vowel signs.

    A run of letters of a script that writes no spaces becomes its overlapping pairs, as in Lucene's CJK analyzer:
    "深圳港口" -> "深圳 圳港 港口".
    """
    text = unicodedata.normalize("NFKC", text.casefold().translate(_PLAIN))
    parts: list[str] = []
    done = 0
    for run in _UNSPACED.finditer(text):
        parts += [_spaced(text[done : run.start()]), _pairs(run[0])]
        done = run.end()
    return " ".join(" ".join([*parts, _spaced(text[done:])]).split())


def _spaced(text: str) -> str:
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter)[0] != "M")
    return re.sub(r"[\W_]+", " ", "".join(letters))


def _pairs(run: str) -> str:
    # The search's words consist of letters; a vowel sign would break a pair.
    letters = "".join(letter if unicodedata.category(letter)[0] != "M" else "" for letter in run)
    return " ".join(
        part if len(part) < 2 else " ".join(part[place : place + 2] for place in range(len(part) - 1))
        for part in re.split(r"[\W_]+", letters)
    )
