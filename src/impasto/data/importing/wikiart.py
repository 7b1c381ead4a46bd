"""An import source for WikiArt's archive and ArtGAN's lists: `Style_Folder/artist-slug_title-slug-year.jpg`."""

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.columns import class_words
from impasto.data.catalogue.listing import Listing
from impasto.data.catalogue.wikiart_names import row_of_name
from impasto.data.importing.source import Item, NotTaken, Refused, SourcePicture
from impasto.errors import ImpastoError

KINDS = ("style", "genre", "artist")
_PARTS = ("train", "val")
_LIST_ENDINGS = ("_train.csv", "_val.csv", "_train.csv.gz", "_val.csv.gz", "_class.txt")


@dataclass
class WikiArtLists:
    """The classes in ArtGAN's `{style,genre,artist}_{train,val}.csv[.gz]` and `*_class.txt`, for each file.

    Attributes:
        classes: file name in the lists -> kind -> class, in words; in the lists' order.
        rows: kind -> number of rows in its lists.
        notes: lists that are not used, and why.
    """

    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _by_key: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "WikiArtLists":
        """Reads the lists in `folder`. Lists of a kind whose classes are missing are left out, with a note.

        Raises:
            ImpastoError: a list cannot be read.
        """
        lists = cls()
        for kind in KINDS:
            files = [file for part in _PARTS if (file := list_file(folder, f"{kind}_{part}.csv")) is not None]
            if not files:
                continue
            names = folder / f"{kind}_class.txt"
            if not names.exists():
                lists.notes.append(f"{names} is missing: the {kind} lists are not used, file names tell the {kind}")
                continue
            classes = _classes(kind, names)
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

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[Item]:
        """See `Source.pictures`. Files that are in the lists but not in the tree come last, as refused."""
        del wanted
        listing = Listing.of(self._folder, self._leave_out)
        yield from (Refused(skip.file_name, skip.reason) for skip in listing.refused)
        seen: set[str] = set()
        for key, file in listing.pictures.items():
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
        for key, reason in listing.others.items():
            if not key.endswith(_LIST_ENDINGS):
                yield NotTaken(key, reason or "no picture")

    def notes(self) -> list[str]:
        """Lists that were not used."""
        return self._lists.notes if self._lists is not None else []
