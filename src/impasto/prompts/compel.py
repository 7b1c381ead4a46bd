r"""Reads the prompt syntax of Compel, which InvokeAI uses, by writing it in A1111's (`impasto.prompts.weights`).

`word+` and `(some words)+` weigh by 1.1, each further + by 1.1 more, each - by 0.9; `(some words)1.3` weighs by 1.3, and
they multiply. `("a", "b").and(1, 0.5)` encodes two texts side by side, as A1111's BREAK does. Source: Compel's syntax page,
https://github.com/damian0815/compel/blob/main/doc/syntax.md.
"""

import re

from impasto.prompts.weights import escaped

PLUS, MINUS = 1.1, 0.9  # the factors of word+ and word-
_END = r"""(?=[\s,.;:!?)\]"]|$)"""
_WORD = r"""[^\s()\\",;<\[\]]"""
_TOKENS = re.compile(
    rf"""
      \\(?P<escaped>.)
    | (?P<tag><(?:lora|lyco|hypernet):[^<>\n]*>)
    | \b(?:with|use)Lora\((?P<lora>[^(),:]+)(?:[,:](?P<scale>[^(),]+))?\)
    | "(?P<quoted>[^"\\()]*)"(?P<quoted_weight>\++|-+|\d+(?:\.\d*)?|\.\d+){_END}
    | (?P<from>{_WORD}+)\.swap\((?P<to>[^()]*)\)
    | (?P<word>{_WORD}*?\w)(?P<word_weight>\++|-+){_END}
    | (?P<open>\()
    | (?P<close>\))(?:\.(?P<method>and|blend|swap)\((?P<given>[^()]*)\)|(?P<weight>\++|-+|\d+(?:\.\d*)?|\.\d+){_END})?
    | (?P<plain>{_WORD}+|.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def as_a1111(text: str) -> tuple[str, tuple[str, ...]]:
    """Returns the text in A1111's syntax, and notes on what has no counterpart there; `read_weights` reads the text."""
    notes: list[str] = []
    opened: list[list[str]] = [[]]
    for found in _TOKENS.finditer(text):
        parts = opened[-1]
        if (letter := found["escaped"]) is not None:
            parts.append(escaped(letter))
        elif found["tag"]:
            parts.append(found["tag"])
        elif found["lora"]:
            name, scale = found["lora"].strip(), (found["scale"] or "").strip()
            parts.append(f"<lora:{name}{':' + scale if scale else ''}>")
        elif found["quoted"] is not None:
            parts.append(_weighted(escaped(found["quoted"]), found["quoted_weight"]))
        elif found["from"]:
            parts.append(_swapped(found["from"], found["to"], notes))
        elif found["word"]:
            parts.append(_weighted(escaped(found["word"]), found["word_weight"]))
        elif found["open"]:
            opened.append([])
        elif found["close"] and len(opened) == 1:
            parts.append(escaped(found[0]))
        elif found["close"]:
            inner = "".join(opened.pop())
            opened[-1].append(_closed(inner, found, notes))
        else:
            parts.append(escaped(found["plain"]))
    while len(opened) > 1:
        inner = "".join(opened.pop())
        notes.append(r"a '(' is not closed: it is the character itself, as \( is")
        opened[-1].append(rf"\({inner}")
    return "".join(opened[0]), tuple(dict.fromkeys(notes))


def factor(mark: str) -> float:
    """Returns the weight that "++", "--" or "1.3" after a word or a bracket means."""
    if mark[0] in "+-":
        return (PLUS if mark[0] == "+" else MINUS) ** len(mark)
    return float(mark)


def _weighted(words: str, mark: str | None) -> str:
    return words if not mark else f"({words}:{round(factor(mark), 6):f})"


def _closed(inner: str, found: re.Match[str], notes: list[str]) -> str:
    """Returns what a bracket with these contents means, after which a weight or a method may stand."""
    method = (found["method"] or "").lower()
    if not method:
        return _weighted(inner, found["weight"])
    if method == "swap":
        return _swapped(inner, found["given"], notes)
    texts = [text.strip() for text in re.split(r'"\s*,\s*"', inner.strip().strip('"'))]
    weights = re.findall(r"-?(?:\d+(?:\.\d*)?|\.\d+)", found["given"]) if method == "and" else []
    if method == "blend":
        notes.append(
            f".blend({found['given']}) mixes texts: here each of the {len(texts)} is encoded by itself, as with .and()"
        )
    weights += ["1"] * (len(texts) - len(weights))
    return " BREAK ".join(f"({text}:{weight})" for text, weight in zip(texts, weights, strict=False))


def _swapped(before: str, given: str, notes: list[str]) -> str:
    kept = given.split(", s_")[0].strip().strip('"')
    notes.append(f"{before}.swap({given}) changes attention while Compel paints: here it is {kept!r} throughout")
    return escaped(kept)
