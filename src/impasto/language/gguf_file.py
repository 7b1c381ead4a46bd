"""Reads what a GGUF file consists of, and writes one with the same description and other weights.

The package gguf reads it too, but builds numpy arrays of each of a vocabulary's words: 4 s for SmolLM2's.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

_MAGIC, _VERSION = b"GGUF", 3
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by its type
_FLOAT, _STRING, _ARRAY = 6, 8, 9
_ALIGNMENT = 32


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file.

    Attributes:
        shape: rows first, as numpy's.
        kind: GGML's number of its type.
        start: bytes from the start of the file's weights.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int


class GgufFile:
    """A GGUF file, opened to be read; a context manager.

    Attributes:
        tensors: in the file's order.
        floats: the single numbers of its description that are floats, by name.
    """

    def __init__(self, path: Path) -> None:
        """Reads the description.

        Raises:
            OSError: it cannot be read. ValueError: it is no GGUF file of version 3, or damaged.
        """
        with path.open("rb") as opened:
            self._data = mmap(opened.fileno(), 0, access=ACCESS_READ)
        self._at, self.floats = 8, dict[str, float]()
        try:
            if self._data[:4] != _MAGIC or struct.unpack_from("<I", self._data, 4)[0] != _VERSION:
                raise ValueError("not a GGUF file of version 3")
            count, described = self._numbers("<QQ")
            for _ in range(described):
                self._skip_description()
            self._described = self._data[24 : self._at], described
            self.tensors = [self._tensor() for _ in range(count)]
            self._weights = self._at + -self._at % _ALIGNMENT
            starts = [one.start for one in self.tensors[1:]] + [len(self._data) - self._weights]
            self._ends = {one.name: end for one, end in zip(self.tensors, starts, strict=True)}
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise ValueError(f"damaged: {error}") from None

    def __enter__(self) -> "GgufFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._data.close()

    def data(self, tensor: Tensor) -> bytes:
        """Returns a tensor's bytes, with those that fill it up to the next one."""
        return self._data[self._weights + tensor.start : self._weights + self._ends[tensor.name]]

    def write_like(self, path: Path, tensors: Sequence[Tensor], changed: Mapping[str, tuple[int, bytes]]) -> None:
        """Writes a file with this one's description and `tensors` of it; `changed` has new types and bytes by name.

        Raises:
            OSError: it cannot be written.
        """
        described, count = self._described
        parts = [changed.get(one.name, (one.kind, b"")) for one in tensors]
        datas = [data or self.data(one) for one, (_, data) in zip(tensors, parts, strict=True)]
        start, places = 0, list[bytes]()
        for one, (kind, _), data in zip(tensors, parts, datas, strict=True):
            name = one.name.encode()
            shape = struct.pack(f"<I{len(one.shape)}Q", len(one.shape), *reversed(one.shape))
            places.append(struct.pack("<Q", len(name)) + name + shape + struct.pack("<IQ", kind, start))
            start += len(data) + -len(data) % _ALIGNMENT
        head = _MAGIC + struct.pack("<IQQ", _VERSION, len(tensors), count) + described + b"".join(places)
        with path.open("wb") as opened:
            opened.write(head + bytes(-len(head) % _ALIGNMENT))
            for data in datas:
                opened.write(data)
                opened.write(bytes(-len(data) % _ALIGNMENT))

    def _numbers(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def _string(self) -> str:
        (length,) = self._numbers("<Q")
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise ValueError("damaged: a text is cut short")
        return self._data[start : self._at].decode()

    def _skip_description(self) -> None:
        name = self._string()
        (kind,) = self._numbers("<I")
        if kind == _FLOAT:
            (self.floats[name],) = self._numbers("<f")
        elif kind == _ARRAY:
            inner, count = self._numbers("<IQ")
            if inner == _ARRAY:
                raise ValueError(f"{name} is an array of arrays")
            for _ in range(count if inner == _STRING else 0):
                (length,) = self._numbers("<Q")
                self._at += length
            self._at += 0 if inner == _STRING else count * _SIZES[inner]
        elif kind == _STRING:
            self._string()
        else:
            if name == "general.alignment" and struct.unpack_from("<I", self._data, self._at)[0] != _ALIGNMENT:
                raise ValueError(f"its alignment is not {_ALIGNMENT}")
            self._at += _SIZES[kind]

    def _tensor(self) -> Tensor:
        name = self._string()
        (dimensions,) = self._numbers("<I")
        shape = self._numbers(f"<{dimensions}Q")
        kind, start = self._numbers("<IQ")
        return Tensor(name, tuple(reversed(shape)), kind, start)
