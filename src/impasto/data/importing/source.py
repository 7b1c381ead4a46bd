"""The interface of an import source, which yields pictures with their metadata, or refused items with a reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """One picture of a source.

    Attributes:
        key: identifies the picture within the source, the same in every run.
        name: its file name in a catalogue, "/" between parts; without a suffix if only the bytes show the format.
        row: the columns of its metadata.
        file: its path; None for a picture inside another file.
        data: the bytes of a picture inside another file; None if they were not wanted.
        remarks: oddities of the picture, for the report.
    """

    key: str
    name: str
    row: dict[str, Any]
    file: Path | None = None
    data: bytes | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An item of a source that is not taken, and the reason."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file of a source that is no picture and that nothing needs, and the reason."""

    key: str
    reason: str


Item = SourcePicture | Refused | NotTaken


class Source(Protocol):
    """A source of pictures for an import."""

    @property
    def place(self) -> str:
        """The absolute path of the folder or file; it identifies the source in the catalogue's journal and report."""
        ...

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[Item]:
        """Yields all pictures, in the same order each time. Bytes inside another file are read only if `wanted(key)`."""
        ...

    def notes(self) -> list[str]:
        """Returns sentences on the source as a whole, once `pictures` has come to its end."""
        ...
