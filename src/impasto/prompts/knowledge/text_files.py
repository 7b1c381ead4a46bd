"""Reads texts from files of several formats, one at a time, for counting words."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError

# The markers before and after the text of a Project Gutenberg book.
_BOOK_STARTS = re.compile(r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK.*?\*\*\*", re.IGNORECASE)
_BOOK_ENDS = re.compile(r"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK", re.IGNORECASE)
_SUFFIXES = (".txt", ".json", ".jsonl", ".csv")
_LEAST_WORDS = 2


def read_texts(path: Path) -> Iterator[str]:
    """Yields the texts of a file, or of all files under a folder, in the order of their names.

    .txt: its lines, or its paragraphs if empty lines separate them (without the header and footer of a Project Gutenberg
    book); .json, and each line of .jsonl: every string of two words or more; .csv: the same for every row. Each also as .gz.

    Raises:
        ImpastoError: the file is of another format, or broken.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and _kind(file) in _SUFFIXES:
                yield from read_texts(file)
        return
    kind = _kind(path)
    if kind not in _SUFFIXES:
        raise ImpastoError(f"{path}: texts are read from {', '.join(_SUFFIXES)}, also as .gz")
    try:
        with _open(path) as file:
            if kind == ".txt":
                yield from _plain(file.read())
            elif kind == ".jsonl":
                for line in file:
                    if line.strip():
                        yield from _strings(json.loads(line))
            elif kind == ".csv":
                for row in csv.reader(file):
                    yield from _strings(row)
            else:
                yield from _strings(json.load(file))
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise ImpastoError(f"{path} cannot be read: {error}") from None


def _kind(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _open(path: Path) -> io.TextIOBase:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")  # pyright: ignore[reportReturnType]
    return path.open(encoding="utf-8", errors="replace", newline="")


def _plain(text: str) -> Iterator[str]:
    if start := _BOOK_STARTS.search(text):
        end = _BOOK_ENDS.search(text, start.end())
        text = text[start.end() : end.start() if end else len(text)]
    text = text.replace("\r\n", "\n")
    paragraphs = text.split("\n\n")
    lines = text.split("\n")
    # A list has one line per text; prose is wrapped, with empty lines between paragraphs.
    pieces = paragraphs if len(paragraphs) > max(1, 0.1 * len(lines)) else lines
    yield from (" ".join(piece.split()) for piece in pieces if piece.strip())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        text = re.sub(r"<[^<>]{1,80}>", " ", value)
        if len(text.split()) >= _LEAST_WORDS:
            yield text
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
