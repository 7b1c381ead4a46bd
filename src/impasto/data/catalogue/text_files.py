"""Decodes text files of unknown origin: UTF-8 or UTF-16 with or without a mark, else Windows' Western code page.

Bytes that Windows-1252 could decode, but that are dense as in a Cyrillic, Greek, Chinese, Japanese or Korean code page, are
refused: which page it is cannot be told, and a wrong one gives words that nobody wrote.
"""

import codecs
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError
from impasto.files import BYTE_ORDER_MARKS

MAX_TEXT_BYTES = 1 << 30
_CHUNK = 1 << 20
WESTERN = "cp1252"
_RUN = re.compile(rb"[\x80-\xff]{2,}")


@dataclass(frozen=True)
class TextSource:
    """A text file on disk or inside an archive: its name for messages, and a function that opens its bytes."""

    name: str
    open: Callable[[], BinaryIO]

    @classmethod
    def of(cls, path: Path, name: str | None = None) -> "TextSource":
        """Returns the source of a file on disk."""
        return cls(name or str(path), lambda: path.open("rb"))

    def encoding(self) -> str:
        """Returns the encoding of the bytes; reads the whole file unless a mark tells the encoding.

        Raises:
            ImpastoError: the file is larger than `MAX_TEXT_BYTES`, or holds bytes of no text encoding that is known here.
            OSError: it cannot be read.
        """
        with self.open() as file:
            head = file.read(_CHUNK)
            marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS if head.startswith(mark)), None)
            decoder = None if marked else codecs.getincrementaldecoder("utf-8")()
            western = codecs.getincrementaldecoder(WESTERN)()
            size, block = 0, head
            utf8, other, zeros, runs = True, True, [0, 0], _Runs()
            while block:
                size += len(block)
                if size > MAX_TEXT_BYTES:
                    raise ImpastoError(f"{self.name} is larger than {MAX_TEXT_BYTES >> 20} MiB")
                if decoder is not None:
                    zeros = [zeros[0] + block[0::2].count(0), zeros[1] + block[1::2].count(0)]
                    utf8 = utf8 and _decodes(decoder, block)
                    other = other and _decodes(western, block)
                    if not utf8:
                        runs.add(block)
                block = file.read(_CHUNK)
        if marked:
            return marked
        if max(zeros) > size // 8:  # every other byte of Western words in UTF-16 is 0
            return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        if decoder is not None and utf8 and _decodes(decoder, b"", final=True):
            return "utf-8"
        if other and not sum(zeros):
            if not runs.are_western():
                raise ImpastoError(f"{self.name} is not UTF-8, and its letters are not Western ones: save it as UTF-8")
            return WESTERN
        raise ImpastoError(f"{self.name} is not a text in UTF-8, UTF-16 or Windows-1252: save it as UTF-8")

    def text_lines(self, encoding: str, newline: str | None = None) -> io.TextIOWrapper:
        """Opens the file as text in `encoding`; `newline` is as for `open`."""
        return io.TextIOWrapper(self.open(), encoding, newline=newline)

    def text(self) -> tuple[str, str]:
        """Returns (whole text, encoding).

        Raises:
            ImpastoError: it cannot be read or decoded.
        """
        try:
            encoding = self.encoding()
            with self.text_lines(encoding) as file:
                return file.read(), encoding
        except UnicodeDecodeError:
            raise ImpastoError(f"{self.name} is not a text that can be decoded: save it as UTF-8") from None
        except OSError as error:
            raise ImpastoError(f"{self.name} cannot be read: {error.strerror}") from None


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """Returns (text, encoding) of a small file's bytes.

    Raises:
        ImpastoError: the bytes are no text.
    """
    return TextSource(name, lambda: io.BytesIO(data)).text()


class _Runs:
    """Counts of bytes above 127 in a text. In Western words they stand alone; in other alphabets' code pages they do not."""

    def __init__(self) -> None:
        self._high = self._in_pairs = self._in_runs = self._letters = 0

    def add(self, block: bytes) -> None:
        self._high += sum(byte > 127 for byte in block)
        self._letters += len(block) - sum(block.count(space) for space in b" \t\r\n")
        lengths = [len(run) for run in _RUN.findall(block)]
        self._in_pairs += sum(lengths)
        self._in_runs += sum(length for length in lengths if length > 2)

    def are_western(self) -> bool:
        dense = self._in_pairs > 0 and self._high > 0.4 * self._letters
        return not dense and (self._high < 3 or 2 * self._in_runs <= self._high)


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
