"""Names of any number of training pictures, in two arrays that may lie on disk."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from impasto.data.caches.large_arrays import large_array
from impasto.errors import ImpastoError
from impasto.settings import cache_folder


@dataclass(frozen=True)
class TrainingPicture:
    """Name and origin of a training picture, as shown to the user; `file_name` is the name in the catalogue."""

    file_name: str
    artist: str = ""
    title: str = ""

    def line(self) -> bytes:
        """Returns the picture as one line of JSON."""
        return json.dumps([self.file_name, self.artist, self.title], ensure_ascii=False).encode("utf-8", "replace")


class PictureNames(Sequence[TrainingPicture]):
    """Training pictures by number.

    Attributes:
        text: uint8 [bytes], the lines of all pictures, one after the other.
        ends: int64 [n], where each line ends.
    """

    def __init__(self, text: np.ndarray, ends: np.ndarray) -> None:
        """Takes the arrays.

        Raises:
            ValueError: they do not fit each other.
        """
        if (str(text.dtype), str(ends.dtype), text.ndim, ends.ndim) != ("uint8", "int64", 1, 1):
            raise ValueError("its names are no names")
        if len(ends) and (ends[0] < 0 or ends[-1] != len(text) or (ends[1:] < ends[:-1]).any()):
            raise ValueError("its names do not fit each other")
        self.text, self.ends = text, ends

    @classmethod
    def of(cls, pictures: Iterable[TrainingPicture], count: int, size: int) -> "PictureNames":
        """Takes the names of `count` pictures whose lines have `size` bytes together."""
        text = large_array((size,), "|u1", cache_folder())
        ends = large_array((count,), "<i8", cache_folder())
        at = 0
        for number, picture in enumerate(pictures):
            line = picture.line()
            text[at : at + len(line)] = np.frombuffer(line, np.uint8)
            at += len(line)
            ends[number] = at
        return cls(text, ends)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PictureNames):
            return NotImplemented
        return np.array_equal(self.ends, other.ends) and np.array_equal(self.text, other.text)

    __hash__ = None  # pyright: ignore[reportAssignmentType] - as of a list

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> TrainingPicture: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[TrainingPicture]: ...
    def __getitem__(self, place: int | slice) -> TrainingPicture | Sequence[TrainingPicture]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        start = int(self.ends[number - 1]) if number else 0
        try:
            names = json.loads(self.text[start : int(self.ends[number])].tobytes())
            return TrainingPicture(*(str(name) for name in names))
        except (ValueError, TypeError, RecursionError):
            raise ImpastoError("a name of the copy index is broken: write it again, or fetch it again") from None

    def __iter__(self) -> Iterator[TrainingPicture]:
        return (self[number] for number in range(len(self)))
