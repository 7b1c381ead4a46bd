"""Reads what a folder says about its pictures: tables that name them, files beside them, and the folders' own names."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Literal

from impasto.data.catalogue.caption_columns import same_but_text, with_captions, with_text_of
from impasto.data.catalogue.columns import KEY_COLUMNS, column_of, names_pictures, plain_column, text_variants_of
from impasto.data.catalogue.companions import Companions, conditions_of, with_target
from impasto.data.catalogue.endings import suffix_of
from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.catalogue.folder_names import FolderWords, parent_folders, title_of, words_of_folders
from impasto.data.catalogue.listing import METADATA, Listing
from impasto.data.catalogue.name_matching import Match, NameMatcher
from impasto.data.catalogue.sidecars import caption_folders, in_caption_folder, read_beside, sidecar_names
from impasto.data.catalogue.tables import rows_of_file, without_caption_number
from impasto.data.catalogue.wikiart_names import row_of_name
from impasto.errors import ImpastoError, MissingPart

_TRIED = 50  # rows of a table of any other name that are looked at to see whether it names pictures
_NAMED = 10  # names of a list in a note
_Why = Literal["row", "missing", "twice"]


@dataclass(frozen=True, slots=True)
class Found:
    """A picture with what is known about it: `row` has the columns of the table, `text` may be a list of captions."""

    key: str
    row: dict[str, Any]
    name: str = ""  # its file name: the key, or as a table of the folder itself writes it; "" if no table names the picture
    remarks: tuple[str, ...] = ()
    guessed: frozenset[str] = frozenset()  # columns that only the names of file and folders tell


@dataclass(frozen=True, slots=True)
class Lost:
    """A row of a table that gives no picture: an unreadable row, one whose picture is missing, or a picture named twice."""

    where: str
    name: str
    reason: str
    kind: _Why = "row"


@dataclass
class _Counts:
    artists: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
    beaten: int = 0  # captions beside pictures whose metadata has a text
    western: list[str] = field(default_factory=list)  # files beside pictures that are read as Windows-1252
    unread: list[str] = field(default_factory=list)
    companions: list[str] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    repeats: Counter[int] = field(default_factory=Counter)


CONDITION_OF = "a mask or condition picture of"  # how the reason begins why such a picture is left out
CONDITIONS_LEFT = "masks and condition pictures are left out"  # and the note on all of them


class FolderRows:
    """The pictures of a listing with their rows; iterate it once, then read `notes` and `not_taken`.

    Tables named `metadata` hold for their folder and below; each names pictures relative to its folder. Without them, any
    other table that names pictures of its folder is read. Pictures that no table names come last.

    Attributes:
        notes: sentences on the folder as a whole, for the user.
        unnamed: pictures below a table of metadata that it does not name.
        conditions: work -> the pictures that its row names as masks or as what it was made from, by column.
    """

    def __init__(self, listing: Listing, *, place: str = "folder", only_named: bool = False) -> None:
        """Sets up the reading.

        Args:
            place: the folder's word in sentences.
            only_named: leaves out pictures below a table of metadata that does not name them, and lists them in `unnamed`.
        """
        self._listing, self._place, self._only_named = listing, place, only_named
        self._matcher = NameMatcher(listing.pictures, str(listing.root.resolve()))
        self._named: set[str] = set()
        self._used: set[str] = set()  # files beside pictures, and tables, that were read
        self._counts = _Counts()
        self._stems: set[str] | None = None
        self._captions: dict[tuple[str, str], str] | None = None
        self._accompany: dict[str, str] = {}  # masks and condition pictures that tables name -> the work
        self._companions: Companions | None = None
        self._governed: list[str] = []  # folders with a table of metadata
        self.notes: list[str] = []
        self.unnamed: list[str] = []
        self.conditions: dict[str, dict[str, str]] = {}

    @property
    def has_root_metadata(self) -> bool:
        """Whether a table of metadata lies in the folder itself; known once the iteration has begun."""
        return "" in self._governed

    def __iter__(self) -> Iterator[Found | Lost]:
        later: dict[str, Found] = {}
        for folder, table in self._tables():
            for item in self._rows_or_reason(folder, table):
                if isinstance(item, Found) and self._listing.pictures[item.key] is None:
                    later[item.key] = item  # inside an archive, which is read in its own order
                else:
                    yield item
        for key in self._listing.pictures:
            if key in later:
                yield later.pop(key)
            elif key in self._named:
                continue
            elif work := self._accompanied(key):
                self._counts.companions.append(key)
                yield Lost(key, key, f"{CONDITION_OF} {work}, which is no work to learn from")
            elif self._only_named and any(key.startswith(folder) for folder in self._governed):
                self.unnamed.append(key)
                self._used.update(sidecar_names(key, self._listing.beside))
            else:
                yield self._described(key, {}, "", ())
        self.notes += self._told()

    def not_taken(self) -> Iterator[tuple[str, str]]:
        """Yields (key, reason) of the files that are neither pictures nor read; known after the iteration."""
        for key, reason in self._listing.others.items():
            if key in self._used:
                continue
            if not reason:
                ending = suffix_of(key)
                if key.lower() in self._listing.beside and ending != ".json":
                    reason = "no picture of that name lies beside it"
                elif ending in (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"):
                    reason = "names no picture here, or other metadata goes before it"
                elif self._beside_a_picture(key):
                    reason = (
                        f"bears a picture's name, but {ending or 'no ending'} is no ending of captions: rename it to .txt"
                    )
                else:
                    reason = "no picture"
            yield key, reason

    def _tables(self) -> Iterator[tuple[str, str]]:
        """Yields (folder, table) of the tables to read."""
        for folder, tables in self._listing.tables.items():
            there = {key[len(folder) :].lower(): key for key in tables}
            first = next((there[name] for name in METADATA if name in there), None)
            if first is not None:
                self._governed.append(folder)
                self._used.add(first)
                for key in tables:
                    if key != first and key.rpartition("/")[2].lower().startswith("metadata."):
                        self._listing.others[key] = f"{first} is read in its place"
                yield folder, first
        for folder, tables in self._listing.tables.items():
            if any(folder.startswith(governed) for governed in self._governed):
                continue
            beside = set(self._listing.beside.values())
            for key in tables:
                is_sidecar = key in beside and self._beside_a_picture(key)
                if not is_sidecar and self._names_pictures(folder, key):
                    self._used.add(key)
                    self.notes.append(f"{key} names pictures and is read as metadata")
                    yield folder, key

    def _without_conditions(self, folder: str, work: str, row: dict[str, Any]) -> dict[str, Any]:
        """Returns a row without the columns that name its condition pictures and masks, and keeps those in mind."""
        found = {column: self._match(folder, name).key for column, name in conditions_of(row).items()}
        found = {column: key for column, key in found.items() if key is not None and key != work}
        self._accompany |= dict.fromkeys(found.values(), work)
        if found:
            self.conditions[work] = found
        return {column: value for column, value in row.items() if column not in found} if found else row

    def _accompanied(self, key: str) -> str:
        """Returns the work of which the picture `key` is a mask or condition, or ""."""
        if self._companions is None:
            self._companions = Companions(self._listing.pictures)
        return self._accompany.get(key) or self._companions.work_of(key)

    def _beside_a_picture(self, key: str) -> bool:
        if self._stems is None:
            self._stems = {picture.rpartition(".")[0].lower() for picture in self._listing.pictures}
        return key.rpartition(".")[0].lower() in self._stems

    def _names_pictures(self, folder: str, key: str) -> bool:
        """Returns whether one of a table's first rows names a picture."""
        try:
            rows = islice(self._read_table(key, CatalogueReport()), _TRIED)
            return any(self._match(folder, file_name_of(row)).key is not None for _, row in rows)
        except (ImpastoError, MissingPart) as error:
            if suffix_of(key) == ".parquet":
                self._listing.others[key] = str(error).removeprefix(f"{key} ")
            return False

    def _read_table(self, key: str, report: CatalogueReport) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields (location, row) of a table; rows and warnings that it cannot use are in `report`."""
        for where, row in rows_of_file(self._listing.text_source(key), suffix_of(key), report, _names_or_keys):
            yield where, with_captions(with_target(row))

    def _rows(self, folder: str, table: str) -> Iterator[Found | Lost]:
        """Yields the rows of one table; rows of the same picture, one after the other, become one with all captions."""
        report = CatalogueReport()
        before: tuple[str, str, str, dict[str, Any], tuple[str, ...]] | None = None  # where, name, key, row, remarks
        failed = 0
        for where, row in self._read_table(table, report):
            if report.skipped and before is not None:
                yield self._named_picture(*before[1:])
                before = None
            yield from (Lost(skip.file_name, skip.file_name, skip.reason) for skip in report.skipped)
            remarks = tuple(warning.reason for warning in report.warnings)
            report.skipped.clear()  # emptied for each row: a million lines may all have warnings
            report.warnings.clear()
            if str(row.get("status", "success")) != "success" and "key" in row:
                failed += 1  # img2dataset could not download it
                continue
            name = file_name_of(row)
            match = self._match(folder, name)
            if match.key is not None:
                row = self._without_conditions(folder, match.key, row)
            remarks += (match.remark,) if match.remark else ()
            if before is not None and match.key == before[2] and same_but_text(before[3], row):
                before = (*before[:3], with_text_of(before[3], row), (*before[4], *remarks))
                continue
            if before is not None:
                yield self._named_picture(*before[1:])
                before = None
            if match.key is None:
                reason = match.reason.format(place=self._place) if match.reason else ""
                yield Lost(where, name, reason, "missing")
            elif match.key in self._named:
                yield Lost(where, name, f"names {match.key} a second time", "twice")
            else:
                self._named.add(match.key)
                before = (where, match.key if match.remark or folder else name, match.key, row, remarks)
        if before is not None:
            yield self._named_picture(*before[1:])
        yield from (Lost(skip.file_name, skip.file_name, skip.reason) for skip in report.skipped)
        self.notes += report.notes
        if failed:
            self.notes.append(f"{table}: {failed} rows without a picture, as img2dataset could not fetch them")

    def _rows_or_reason(self, folder: str, table: str) -> Iterator[Found | Lost]:
        """Yields the rows of a table; a table of a sub-folder that cannot be read is lost, and the rest goes on.

        Raises:
            ImpastoError: the table of the folder itself cannot be read.
        """
        try:
            yield from self._rows(folder, table)
        except ImpastoError as error:
            if not folder or isinstance(error, MissingPart):
                raise
            if folder in self._governed:
                self._governed.remove(folder)
            reason = str(error).removeprefix(f"{table} ")
            self.notes.append(
                f"{table} is not used: it {reason}" if reason != str(error) else f"{table} is not used: {reason}"
            )
            yield Lost(table, table, f"not used: {reason}")

    def _match(self, folder: str, name: str) -> Match:
        found = self._matcher.match(name, folder)
        if found.key is None and not found.reason and folder and not self._has_pictures(folder):
            return self._matcher.match(name)  # a folder of annotations beside a folder of pictures
        return found

    def _has_pictures(self, folder: str) -> bool:
        return any(key.startswith(folder) for key in self._listing.pictures)

    def _named_picture(self, name: str, key: str, row: dict[str, Any], remarks: tuple[str, ...]) -> Found:
        known = {column: value for column, value in row.items() if column_of(column) != "file_name"}
        if not names_pictures(row):  # the picture was named by its number
            known = {column: value for column, value in known.items() if plain_column(column) not in KEY_COLUMNS}
        return self._described(key, known, name, remarks)

    def _described(self, key: str, row: dict[str, Any], name: str, remarks: tuple[str, ...]) -> Found:
        """Adds to a picture's row what lies beside it, and what its folders say that no table could."""
        known = {column for column, value in row.items() if value not in (None, "", [])}
        columns = {column_of(column) or column for column in known}
        row = dict(row)
        beside = self._beside(key)
        words = words_of_folders(parent_folders(key))
        if words.is_regularisation:  # it is refused, so nothing is told of it
            self._used.update(beside)
            return Found(key, row, name, remarks)
        if beside:
            found = read_beside(beside, self._listing.read)
            self._used.update(beside)
            remarks += found.remarks
            self._counts.western += found.western
            self._counts.unread += found.unread
            if "text" in columns and any(column_of(column) == "text" for column in found.row):
                self._counts.beaten += text_variants_of(found.row.get("text")) != text_variants_of(row.get("text"))
            else:
                self._counts.beside.update(found.endings)
            row |= {c: value for c, value in found.row.items() if (column_of(c) or c) not in columns}
            columns |= {column_of(column) or column for column in row}
        if words.repeats > 1:
            row.setdefault("repeats", words.repeats)
            self._counts.repeats[words.repeats] += 1
        if words.words and "text" not in columns:
            row["text"] = words.words
            self._counts.words[words.words] += 1
        guessed = self._from_names(key, words)
        if name:  # a table that names the pictures tells their titles; what Impasto imported has all that is to be told
            told = () if self._listing.is_imported else ("artist", "artist_dates", "style", "genre")
            guessed = {column: guessed.get(column) for column in told}
        if "artist" in columns:
            guessed.pop("artist_dates", None)
        guesses = {column: value for column, value in guessed.items() if value and column not in columns}
        row |= guesses
        for column, value in guesses.items():
            if column == "artist" and value == words.artist:
                self._counts.artists[value] += 1
        return Found(key, row, name, remarks, frozenset(guesses))

    def _beside(self, key: str) -> list[str]:
        """Returns the files that lie beside a picture, or in a folder of captions beside its folder."""
        if not self._listing.beside:
            return []
        if self._captions is None:
            self._captions = caption_folders(self._listing.beside)
        return sidecar_names(key, self._listing.beside) or in_caption_folder(key, self._captions)

    def _from_names(self, key: str, words: FolderWords) -> dict[str, Any]:
        path = PurePosixPath(key)
        artist = words.artist
        if words.style and not artist and "_" in path.stem:  # Style/artist-slug_title-slug-1889.jpg
            return row_of_name(f"{words.style}/{path.name}") | {"style": words.style, "genre": words.genre}
        return {
            "title": title_of(path.stem, artist),
            "artist": artist,
            "artist_dates": words.artist_dates,
            "style": words.style,
            "genre": words.genre,
        }

    def _told(self) -> list[str]:
        counts, told = self._counts, []
        if counts.artists:
            told.append(f"the artist is taken from the folders' names: {_listed(counts.artists)}")
        if counts.beside:
            endings = ", ".join(f"{count} {ending}" for ending, count in counts.beside.most_common())
            told.append(f"captions and metadata from files beside the pictures: {endings}")
        if counts.western:
            told.append(
                f"not UTF-8, read as Windows-1252: {_first(counts.western)} (save them as UTF-8 if letters are wrong)"
            )
        if counts.unread:
            told.append(f"beside pictures, but cannot be read: {_first(counts.unread)} (save texts as UTF-8)")
        if counts.companions:
            told.append(f"{CONDITIONS_LEFT}: {_first(counts.companions)}")
        if counts.beaten:
            told.append(f"captions beside pictures that are not used, because the metadata has a text: {counts.beaten}")
        if counts.words:
            told.append(f"the words of kohya's folders are the captions of pictures without one: {_listed(counts.words)}")
        if counts.repeats:
            sizes = ", ".join(f"{repeats} ({count} pictures)" for repeats, count in sorted(counts.repeats.items()))
            told.append(f"repeats from kohya's folders, which training uses in proportion to one another: {sizes}")
        return told


def _listed(counts: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({count})" for name, count in counts.most_common(_NAMED))
    return shown + (f" and {len(counts) - _NAMED} others" if len(counts) > _NAMED else "")


def _first(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} others" if len(names) > _NAMED else "")


def _names_or_keys(columns: Iterable[str]) -> bool:
    columns = list(columns)
    return names_pictures(columns) or any(plain_column(column) in KEY_COLUMNS for column in columns)


def file_name_of(row: dict[str, Any]) -> str:
    """Returns the picture's file name in a table's row, or the number by which img2dataset names it, or ""."""
    named = [value for column, value in row.items() if column_of(column) == "file_name"]
    if not named:
        keys = {plain_column(column): value for column, value in row.items()}
        named = [keys[column] for column in KEY_COLUMNS if column in keys]
        if isinstance(several := keys.get("images"), list) and len(several) == 1:  # chat formats
            named.insert(0, several[0])
    for value in named:
        if isinstance(value, dict):  # the hub's own form: {"path": "..."}
            value = value.get("path")
        if isinstance(value, str) and value.strip():
            return without_caption_number(value.strip())
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""
