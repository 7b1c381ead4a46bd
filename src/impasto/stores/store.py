"""The interface of a place that holds files by name."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class StoredFile:
    """A file of a store: its name within the store, its size in bytes, and a stamp that changes when its content does."""

    name: str
    size: int
    stamp: str


class Store(ABC):
    """Files by name ("part/000001.tar") in one place. All methods may be called from several threads and processes.

    Every method raises OSError, whose `strerror` is a reason without credentials: FileNotFoundError if there is no such
    file, PermissionError if it may not be used.

    Attributes:
        place: the path or address, as a user may be shown it.
    """

    place: str

    @abstractmethod
    def put_if_absent(self, name: str, content: bytes | Path) -> bool:
        """Writes a file whole, or leaves one of this name as it is; returns whether it was written.

        The content is bytes or a local file, which stays. Of several writers of one name exactly one writes. A reader never
        sees a part.
        """

    @abstractmethod
    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        """Returns `size` bytes from `start` on, fewer at the end of the file; all of the rest without `size`."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading, with seeking."""

    @abstractmethod
    def find(self, name: str) -> StoredFile | None:
        """Returns what is known of a file; None if there is none."""

    @abstractmethod
    def files(self) -> list[StoredFile]:
        """Returns the files directly in the place, by name; hidden ones (".name") are left out."""
