"""Decodes text files of unknown origin: UTF-8 or UTF-16 with or without a mark, else Windows' Western code page."""

import codecs
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImpastoError
from impasto.files import BYTE_ORDER_MARKS

MAX_TEXT_BYTES = 1 << 30
_CHUNK = 1 << 20
_WESTERN = "cp1252"


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
            western = codecs.getincrementaldecoder(_WESTERN)()
            size, block = 0, head
            utf8, other, zeros = True, True, [0, 0]
            while block:
                size += len(block)
                if size > MAX_TEXT_BYTES:
                    raise ImpastoError(f"{self.name} is larger than {MAX_TEXT_BYTES >> 20} MiB")
                if decoder is not None:
                    zeros = [zeros[0] + block[0::2].count(0), zeros[1] + block[1::2].count(0)]
                    utf8 = utf8 and _decodes(decoder, block)
                    other = other and _decodes(western, block)
                block = file.read(_CHUNK)
        if marked:
            return marked
        if max(zeros) > size // 8:  # every other byte of Western words in UTF-16 is 0
            return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        if decoder is not None and utf8 and _decodes(decoder, b"", final=True):
            return "utf-8"
        if other and not sum(zeros):
            return _WESTERN
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


def decoded(data: bytes, name: str) -> str:
    """Returns the text of a small file's bytes.

    Raises:
        ImpastoError: the bytes are no text.
    """
    return TextSource(name, lambda: io.BytesIO(data)).text()[0]


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
