"""The interface of an import source, which yields pictures with their metadata, or refused items with a reason."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from impasto.data.catalogue.metadata import PICTURE_SUFFIXES


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


class Source(Protocol):
    """A source of pictures for an import."""

    @property
    def place(self) -> str:
        """The absolute path of the folder or file; it identifies the source in the catalogue's journal and report."""
        ...

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[SourcePicture | Refused]:
        """Yields all pictures, in the same order each time. Bytes inside another file are read only if `wanted(key)`."""
        ...


@dataclass
class PictureTree:
    """The picture files of a folder by key, and refused items, such as links that lead out of the folder."""

    files: dict[str, Path] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path, leave_out: Path | None = None) -> "PictureTree":
        """Walks `root` in the order of names, without hidden files, linked folders and the folder `leave_out`."""
        tree = cls()
        tree._walk(root, root.resolve(), "", leave_out.resolve() if leave_out else None)
        return tree

    def _walk(self, folder: Path, root: Path, prefix: str, leave_out: Path | None) -> None:
        try:
            inside = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError as error:
            self.refused.append(Refused(prefix or ".", f"cannot be read: {error.strerror}"))
            return
        for item in inside:
            key = os.fsencode(prefix + item.name).decode("utf-8", "backslashreplace")
            is_picture = Path(item.name).suffix.lower() in PICTURE_SUFFIXES
            if item.name.startswith("."):
                continue
            try:
                if item.is_dir(follow_symlinks=False):
                    if Path(item.path).resolve() != leave_out:
                        self._walk(Path(item.path), root, f"{prefix}{item.name}/", leave_out)
                elif item.is_symlink() and item.is_dir():
                    self.refused.append(Refused(key, "a link to a folder is not followed"))
                elif not is_picture:
                    continue
                elif item.is_symlink() and not Path(item.path).resolve().is_relative_to(root):
                    self.refused.append(Refused(key, "a link that leaves the folder"))
                elif item.is_file():
                    self.files[key] = Path(item.path)
                else:
                    self.refused.append(Refused(key, "no file" if not item.is_symlink() else "a link to nothing"))
            except (OSError, RuntimeError) as error:
                self.refused.append(Refused(key, f"cannot be read: {error}"))
