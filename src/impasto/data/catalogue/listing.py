"""Lists what a folder of pictures holds: pictures, files beside them, tables, archives, and the rest with its reason."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from impasto.data.catalogue.endings import (
    CAPTION_ENDINGS,
    TABLE_ENDINGS,
    TAG_ENDINGS,
    is_archive,
    is_picture,
    is_picture_data,
    reason_against,
    suffix_of,
)
from impasto.data.catalogue.entry import Skipped
from impasto.data.catalogue.text_files import TextSource

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet", "metadata.json", "metadata.tsv", "metadata.ndjson")
# What Impasto keeps in a catalogue itself.
_OWN = frozenset({"import-report.jsonl", "annotations/import-captions.jsonl"})
_OWN_HIDDEN = frozenset({".import", ".impasto-export"})
OWN_LOGS = frozenset(f"{kind}.jsonl" for kind in ("tags", "captions", "similarity", "filter", "review", "opt-out"))
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
# Words in the names of text files that may be tables: captions.txt, Flickr8k.token.txt, results_20130124.token, train.txt.
_TEXT_TABLES = frozenset(
    {
        "captions",
        "caption",
        "metadata",
        "labels",
        "prompts",
        "token",
        "results",
        "annotations",
        "descriptions",
        "train",
        "test",
    }
    | {"val", "dev", "list", "index", "pairs"}
)
_CASE_MARK = "__MACOSX"


@dataclass
class Listing:
    """The files of a folder by key: the path within the folder, with "/" between parts.

    Attributes:
        root: the folder.
        pictures: key -> path of each picture; None for one inside an archive.
        beside: the keys of files that may lie beside a picture, by the key in lower case.
        tables: folder ("" or ending in "/") -> keys of its tables.
        archives: the keys of archives.
        refused: pictures that cannot be taken, such as links that lead out of the folder.
        others: key -> reason why the file is not taken; "" if it depends on whether something names it.
    """

    root: Path
    pictures: dict[str, Path | None] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[str]] = field(default_factory=dict)
    archives: list[str] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    _paths: dict[str, Path] = field(default_factory=dict)
    _readers: dict[str, Callable[[str], bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, leave_out: Path | None = None) -> "Listing":
        """Walks `root` in the order of names; linked folders and the folder `leave_out` are not entered."""
        listing = cls(root)
        listing._walk(root, root.resolve(), "", leave_out.resolve() if leave_out else None)
        return listing

    def read(self, key: str) -> bytes:
        """Returns the bytes of a file.

        Raises:
            OSError, ImpastoError: it cannot be read.
        """
        if key in self._readers:
            return self._readers[key](key)
        path = self.pictures.get(key) or self._paths[key]
        return path.read_bytes()

    @property
    def is_imported(self) -> bool:
        """Whether the folder is a catalogue that `impasto data import` made."""
        return any((self.root / name).exists() for name in ("import-report.jsonl", ".import"))

    def text_source(self, key: str) -> TextSource:
        """Returns a text file of the listing, to be read as a stream."""
        if key in self._readers:
            from io import BytesIO

            return TextSource(key, lambda: BytesIO(self.read(key)))
        return TextSource.of(self._paths[key], key if "/" in key else str(self._paths[key]))

    def path(self, key: str) -> Path:
        """Returns the path of a file that is not inside an archive."""
        return self._paths[key]

    def add_member(self, key: str, read: Callable[[str], bytes]) -> None:
        """Adds a file inside an archive, whose bytes `read(key)` returns."""
        name = key.rpartition("/")[2]
        parts = key.split("/")
        if any(part.startswith(".") or part == _CASE_MARK for part in parts):
            self.others[key] = "hidden"
            return
        self._readers[key] = read
        if is_picture(name):
            self.pictures[key] = None
        elif is_archive(name):
            self.others[key] = "an archive inside an archive: unpack it"
        else:
            self._add_other(key, name)

    def _walk(self, folder: Path, root: Path, prefix: str, leave_out: Path | None) -> None:
        try:
            inside = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError as error:
            self.refused.append(Skipped(prefix or ".", f"cannot be read: {error.strerror}"))
            return
        for item in inside:
            key = os.fsencode(prefix + item.name).decode("utf-8", "backslashreplace")
            try:
                if item.is_dir(follow_symlinks=False):
                    self._enter(item, root, f"{prefix}{item.name}/", leave_out)
                else:
                    self._add(item, key, root)
            except (OSError, RuntimeError) as error:
                self.refused.append(Skipped(key, f"cannot be read: {error}"))

    def _enter(self, item: os.DirEntry[str], root: Path, prefix: str, leave_out: Path | None) -> None:
        if item.name in _OWN_HIDDEN or Path(item.path).resolve() == leave_out:
            return
        if item.name.startswith(".") or item.name == _CASE_MARK:
            self.others[prefix] = "a hidden folder"
        elif not self._is_own_folder(item):
            self._walk(Path(item.path), root, prefix, leave_out)

    def _is_own_folder(self, item: os.DirEntry[str]) -> bool:
        """Returns whether the folder is the one in which Impasto keeps a catalogue's annotations."""
        if item.name != "annotations":
            return False
        names = {path.name for path in Path(item.path).iterdir() if not path.name.startswith(".")}
        return bool(names & OWN_LOGS) and all(name in OWN_LOGS or f"annotations/{name}" in _OWN for name in names)

    def _add(self, item: os.DirEntry[str], key: str, root: Path) -> None:
        name = item.name
        if name in _OWN_HIDDEN or key in _OWN:
            return
        if name.startswith("."):
            self.others[key] = "hidden"
            return
        link_out = item.is_symlink() and not Path(item.path).resolve().is_relative_to(root)
        if item.is_symlink() and item.is_dir():
            self.refused.append(Skipped(key, "a link to a folder is not followed"))
        elif is_picture(name):
            if link_out:
                self.refused.append(Skipped(key, "a link that leaves the folder"))
            elif item.is_file():
                self.pictures[key] = Path(item.path)
            else:
                self.refused.append(Skipped(key, "no file" if not item.is_symlink() else "a link to nothing"))
        elif link_out or not item.is_file():
            self.others[key] = "a link that leaves the folder" if link_out else "no file"
        else:
            self._paths[key] = Path(item.path)
            if is_archive(name):
                self.archives.append(key)
                self.others[key] = "an archive: `impasto data import folder` reads it"
            elif not self._add_other(key, name) and not self.others[key] and _begins_as_picture(Path(item.path)):
                del self.others[key]
                self.pictures[key] = Path(item.path)

    def _add_other(self, key: str, name: str) -> bool:
        """Adds a file that is no picture by its name; returns whether something else may name or need it."""
        lower = name.lower()
        folder = key[: len(key) - len(name)]
        self.others[key] = "a system's own file" if lower in _SYSTEM else reason_against(name)
        is_beside = lower.endswith((*CAPTION_ENDINGS, *TAG_ENDINGS, ".json"))
        if is_beside:
            self.beside[key.lower()] = key
        is_table = suffix_of(name) in TABLE_ENDINGS or _may_be_table(lower)
        if is_table:
            self.tables.setdefault(folder, []).append(key)
        return is_beside or is_table


def _may_be_table(name: str) -> bool:
    return name.endswith((".txt", ".token")) and not _TEXT_TABLES.isdisjoint(re.split(r"[\W_\d]+", name))


def _begins_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_picture_data(file.read(16))
    except OSError:
        return False
