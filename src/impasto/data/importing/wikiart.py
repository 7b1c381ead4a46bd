"""An import source for WikiArt's archive and ArtGAN's lists: `Style_Folder/artist-slug_title-slug-year.jpg`."""

import csv
import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from impasto.data.catalogue.artist_names import artist_name, name_key, repair_text
from impasto.data.importing.rows import class_words
from impasto.data.importing.source import PictureTree, Refused, SourcePicture
from impasto.errors import ImpastoError

KINDS = ("style", "genre", "artist")
_PARTS = ("train", "val")
# A slug ends in the year of completion and a copy number: "-1889", "-1889-2", "-1889(1)". An earlier year, as in
# "-1714-1715", belongs to the title.
_YEAR = re.compile(r"^(?:(?P<title>.*)-)?(?P<year>1\d{3}|20[0-2]\d)(?:-\d\d?|\(\d+\))*$")
_COPY = re.compile(r"\(\d+\)$")
# Slugs contain no apostrophes: "dante-s-hell", "pont-d-asnieres".
_OWN_S, _ELISION = re.compile(r"(?<=[^\W\d_]) s\b"), re.compile(r"\b([dl]) (?=[aeiouhy])")


@dataclass
class WikiArtLists:
    """The classes in ArtGAN's `{style,genre,artist}_{train,val}.csv[.gz]` and `*_class.txt`, for each file.

    Attributes:
        classes: file name in the lists -> kind -> class, in words; in the lists' order.
        rows: kind -> number of rows in its lists.
    """

    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    _by_key: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "WikiArtLists":
        """Reads the lists in `folder`.

        Raises:
            ImpastoError: a class list is missing, or a list cannot be read.
        """
        lists = cls()
        for kind in KINDS:
            files = [file for part in _PARTS if (file := list_file(folder, f"{kind}_{part}.csv")) is not None]
            if not files:
                continue
            classes = _classes(kind, folder / f"{kind}_class.txt")
            lists.rows[kind] = sum(lists._read(kind, file, classes) for file in files)
        return lists

    def _read(self, kind: str, file: Path, classes: dict[int, str]) -> int:
        count = 0
        opener = gzip.open if file.suffix == ".gz" else open
        try:
            with opener(file, "rt", encoding="utf-8-sig", newline="") as opened:
                for row in csv.reader(opened):
                    if len(row) < 2 or "/" not in row[0] or not row[-1].strip().isdecimal():
                        continue  # the artist lists begin with a heading and an empty line
                    name = row[0].strip()
                    self._by_key.setdefault(_file_key(name), name)
                    self.classes.setdefault(name, {})[kind] = classes.get(int(row[-1]), "")
                    count += 1
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise ImpastoError(f"{file} cannot be read as a list of WikiArt: {error}") from None
        return count

    def listed(self, name: str) -> str | None:
        """Returns the name of the file `name` in the lists, or None. Broken accents are ignored."""
        short = "/".join(PurePosixPath(name).parts[-2:])
        return short if short in self.classes else self._by_key.get(_file_key(short))


def list_file(folder: Path, name: str) -> Path | None:
    """Returns the path of a list, plain or gzipped, or None if there is none."""
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def find_lists(folder: Path) -> Path | None:
    """Finds the folder with ArtGAN's lists: `folder` itself or one directly below, or None."""
    if not folder.is_dir():
        return None
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return next((path for path in (folder, *below) if any(list_file(path, f"{kind}_train.csv") for kind in KINDS)), None)


def _classes(kind: str, file: Path) -> dict[int, str]:
    try:
        lines = (line.split(maxsplit=1) for line in file.read_text("utf-8-sig").splitlines() if line.strip())
        return {int(number): artist_name(name) if kind == "artist" else class_words(name) for number, name in lines}
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ImpastoError(f"{file} cannot be read as a list of classes (number and name): {error}") from None


def _file_key(name: str) -> str:
    """Returns a key for a file name without accents, which unpacking breaks in many ways."""
    style, _, rest = name.rpartition("/")
    return f"{name_key(style)}/{name_key(rest)}"


def row_of_name(name: str) -> dict[str, Any]:
    """Parses artist, title and year from `artist-slug_title-slug-year.jpg`, and the style from its folder."""
    path = PurePosixPath(name)
    artist, underscore, work = path.stem.partition("_")
    if not underscore:
        artist, work = "", path.stem
    work = _COPY.sub("", work)
    row: dict[str, Any] = {"artist": artist_name(artist)}
    if dated := _YEAR.match(work):
        row["year"] = int(dated["year"])
        work = dated["title"] or ""
    words = _ELISION.sub(r"\1'", _OWN_S.sub("'s", " ".join(repair_text(work).replace("-", " ").replace("_", " ").split())))
    if not words.startswith("not detected"):  # WikiArt's name for works without a title
        row["title"] = words[:1].upper() + words[1:]
    if len(path.parts) > 1:
        row["style"] = class_words(path.parts[-2])
    return {column: value for column, value in row.items() if value != ""}


class WikiArtSource:
    """WikiArt's unpacked archive. With `lists`, their classes take precedence over those parsed from the path."""

    def __init__(self, folder: Path, lists: WikiArtLists | None = None, leave_out: Path | None = None) -> None:
        self._folder = Path(folder)
        self._lists = lists
        self._leave_out = leave_out

    @property
    def place(self) -> str:
        """The absolute path of the folder."""
        return str(self._folder.resolve())

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[SourcePicture | Refused]:
        """See `Source.pictures`. Files that are in the lists but not in the tree come last, as refused."""
        del wanted
        tree = PictureTree.of(self._folder, self._leave_out)
        yield from tree.refused
        seen: set[str] = set()
        for key, file in tree.files.items():
            row, remarks = row_of_name(key), ()
            if self._lists is not None:
                listed = self._lists.listed(key)
                if listed is None:
                    remarks = ("in none of the lists",)
                else:
                    seen.add(listed)
                    row |= {kind: words for kind, words in self._lists.classes[listed].items() if words}
            yield SourcePicture(key, key, row, file, None, remarks)
        for name in self._lists.classes if self._lists is not None else ():
            if name not in seen:
                yield Refused(name, "listed, but there is no such file")
