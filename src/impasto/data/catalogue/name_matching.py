"""Finds the picture that a table's row means, where its name is written in another way than the file's."""

import posixpath
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from impasto.data.catalogue.endings import PICTURE_SUFFIXES
from impasto.data.catalogue.folder_names import is_split


@dataclass(frozen=True)
class Match:
    """The picture that a name means: its key, or None with the reason; `remark` tells if the name is written differently."""

    key: str | None
    reason: str = ""
    remark: str = ""


class NameMatcher:
    """Matches names to the keys of pictures (paths within a folder, with "/" between parts)."""

    def __init__(self, keys: Iterable[str], root: str = "") -> None:
        """`root` is the folder's absolute path: a name that begins with it is inside the folder."""
        self._root = root.rstrip("/")
        self._keys = dict.fromkeys(keys)
        self._normal: dict[str, str] = {}
        self._folded: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}

    def _index(self) -> None:
        """Fills the tables for names that are written differently, at the first such name."""
        if self._normal:
            return
        for key in self._keys:
            normal = _normal(key)
            self._normal.setdefault(normal, key)
            folded = normal.casefold()
            self._folded.setdefault(folded, []).append(key)
            name = folded.rpartition("/")[2]
            self._by_name.setdefault(name, []).append(key)
            self._by_stem.setdefault(PurePosixPath(name).stem, []).append(key)

    def match(self, name: str, folder: str = "") -> Match:
        """Returns the picture that `name` means in a table in `folder` ("" or ending in "/").

        Tried in turn: the path as written, in another form of Unicode, without regard to case, percent-encoded; then the
        end of the path, as long as one picture at or below the folder fits best, for paths of another machine or without
        their folders; then the name without its ending. A picture outside the listed keys is never returned.
        """
        if not name:
            return Match(None, "no file name")
        if folder + name in self._keys:
            return Match(folder + name)
        self._index()
        written = _normal(name).replace("\\", "/")
        is_absolute = written.startswith("/") or written[1:2] == ":" or "://" in written
        inside = written
        if self._root and written.startswith(f"{_normal(self._root)}/"):
            inside, is_absolute, folder = written[len(_normal(self._root)) + 1 :], False, ""
        path = posixpath.normpath(posixpath.join(folder, inside)) if not is_absolute else ""
        leaves = is_absolute or path == ".." or path.startswith("../")
        if not leaves:
            found = self._at(path) or self._at(posixpath.normpath(unquote(path)))
            if found is not None:
                return Match(found, remark="" if _normal(found) == path else f"named {name} in the metadata")
        for text in dict.fromkeys((written, unquote(written.partition("?")[0]))):
            found = self._by_end(text, folder)
            if found is not None:
                bare = found.key is not None and _normal(found.key).rpartition("/")[2] == written
                return Match(found.key, found.reason, "" if bare or found.key is None else f"named {name} in the metadata")
        if is_absolute:
            return Match(None, "an absolute path that leaves the {place}, and no picture here has that name")
        return Match(None, "the path leaves the {place}" if leaves else "")

    def _at(self, path: str) -> str | None:
        found = self._normal.get(path)
        if found is None:
            alike = self._folded.get(path.casefold(), [])
            found = alike[0] if len(alike) == 1 else None
        return found

    def _by_end(self, written: str, folder: str) -> Match | None:
        """Returns the picture below `folder` whose path ends as `written` does, or several as a reason, or None."""
        parts = [part for part in written.casefold().split("/") if part not in ("", ".", "..")]
        if not parts:
            return None
        name = parts[-1]
        ending = PurePosixPath(name).suffix
        found = self._below(self._by_name.get(name, []), folder)
        if not found:
            stem = PurePosixPath(name).stem if ending in PICTURE_SUFFIXES else name
            found = self._below(self._by_stem.get(stem, []), folder)
            parts[-1] = stem
        if not found:
            return None
        splits = {part for part in parts[:-1] if is_split(part)}
        found = [key for key in found if not (splits and (other := _splits_of(key)) and other != splits)]
        if not found:
            return None
        best = max(_shared(parts, key) for key in found)
        found = [key for key in found if _shared(parts, key) == best]
        if len(found) == 1:
            return Match(found[0])
        return Match(None, f"names several pictures: {', '.join(found[:3])}{' ...' if len(found) > 3 else ''}")

    @staticmethod
    def _below(keys: list[str], folder: str) -> list[str]:
        return [key for key in keys if key.startswith(folder)]


def _shared(parts: list[str], key: str) -> int:
    """Returns how many folders, counted from the file, a path and a key have in common."""
    others = _normal(key).casefold().split("/")
    count = 0
    for one, other in zip(reversed(parts[:-1]), reversed(others[:-1]), strict=False):
        if one != other:
            break
        count += 1
    return count


def _splits_of(key: str) -> set[str]:
    return {part for part in key.casefold().split("/")[:-1] if is_split(part)}


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
