"""Finds the captions of a row in the forms that data sets give them: several columns, languages, objects, conversations."""

import re
from collections.abc import Iterator
from typing import Any

from impasto.data.catalogue.columns import KEY_COLUMNS, column_of, is_qualifier, plain_column, text_variants_of

_CONVERSATIONS = frozenset({"conversations", "conversation", "messages", "dialog", "dialogue", "dialogs", "chat", "turns"})
_MODELS = frozenset({"gpt", "assistant", "model", "chatgpt", "bot", "answer"})
_CORES = frozenset(
    {"caption", "captions", "text", "texts", "prompt", "description", "descriptions", "sentence", "sentences", "recaption"}
)
_LANGUAGES = frozenset(
    {"en", "de", "fr", "es", "it", "nl", "pt", "ru", "zh", "ja", "ko", "ar", "pl", "sv", "tr", "uk", "cs"}
)


def with_captions(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the row with all its captions in `text`, a list if they are several or were an object; other rows as they are.

    Read as captions are: several columns that hold one ("caption", "prompt"); an object with one text or one a language or
    length; the model's part of a conversation as LLaVA and chat formats have it; and, if no column of the usual names is
    there, those that say which caption they are ("en_text", "caption_2", "short_caption"). English goes first.
    """
    usual = [name for name, value in row.items() if column_of(name) == "text" and value not in (None, "", [], {})]
    if {*usual} <= {"text", "captions"} and not any(_has_objects(row[name]) for name in usual) and usual:
        return row
    used = usual
    if not used:
        used = [name for name, value in row.items() if plain_column(name) in _CONVERSATIONS and isinstance(value, list)]
        texts = [text for name in used for text in _said(row[name])]
        if not texts:
            used = english_first([name for name, value in row.items() if value and _says_which(plain_column(name))])
    else:
        texts = []
    texts = list(dict.fromkeys(texts or (text for name in used for text in text_variants_of(row[name]))))
    if not texts:  # a number as a caption is none, but a column of that name stays
        objects = [name for name in used if isinstance(row[name], dict)]
        return {name: value for name, value in row.items() if name not in objects} if objects else row
    others = {name: value for name, value in row.items() if name not in used}
    if len(used) == 1 and isinstance(row[used[0]], str):
        return others | {"text": row[used[0]]}
    return others | {"text": texts}


def english_first(names: list[str]) -> list[str]:
    """Returns the names in their order, those with a part that means English first."""
    return sorted(names, key=lambda name: not {"en", "eng", "english"} & {*plain_column(name).split("_")})


def _has_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def _says_which(name: str) -> bool:
    """Returns whether a column of this plain name holds one caption of several: "en_text", "caption_2", "de"."""
    parts = [part for part in re.split(r"_|(?<=[a-z])(?=\d)", name) if part]
    return name in _LANGUAGES or (
        sum(part in _CORES for part in parts) == 1 and all(part in _CORES or is_qualifier(part) for part in parts)
    )


def _said(turns: list[Any]) -> Iterator[str]:
    """Yields what the model says in a conversation: [{"from": "gpt", "value": "..."}] or [{"role": "assistant", ...}]."""
    for turn in turns:
        if isinstance(turn, dict) and str(turn.get("from", turn.get("role", ""))).lower() in _MODELS:
            parts = turn.get("value", turn.get("content"))
            for part in parts if isinstance(parts, list) else [parts]:
                text = part.get("text") if isinstance(part, dict) else part
                if isinstance(text, str) and text.strip():
                    yield text.strip()


def same_but_text(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Returns whether two rows of a picture give two captions and nothing else that differs."""
    text, further = _text_column(one), _text_column(other)
    if text is None or further is None or text != further or one[text] == other[text]:
        return False
    numbers = ("comment_number", "caption_number", *KEY_COLUMNS)
    ignored = {text, *(c for c in one if plain_column(c) in numbers or column_of(c) == "file_name")}
    return {c: v for c, v in one.items() if c not in ignored} == {c: v for c, v in other.items() if c not in ignored}


def _text_column(row: dict[str, Any]) -> str | None:
    return next((column for column in row if column_of(column) == "text" and row[column]), None)


def with_text_of(row: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Returns the row with the captions of both rows; `same_but_text` must hold of them."""
    column = _text_column(row)
    assert column is not None
    return row | {column: [*text_variants_of(row[column]), *text_variants_of(other[column])]}
