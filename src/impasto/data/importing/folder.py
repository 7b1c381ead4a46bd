"""An import source that reads a folder of pictures, in any of the layouts in which data sets are passed on.

Pictures lie in the folder or in archives (zip, tar, WebDataset's and img2dataset's shards) or parquet files below it. What
is known about them is in tables (`metadata.jsonl`, `captions.csv`, ...), in files beside the pictures (`name.txt`,
`name.json`), and in the names of their folders.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from impasto.data.catalogue.endings import ARCHIVE_ENDINGS, suffix_of
from impasto.data.catalogue.folder_names import words_of_folders
from impasto.data.catalogue.folder_rows import FolderRows, Found, Lost
from impasto.data.catalogue.listing import Listing
from impasto.data.importing.archives import Archives
from impasto.data.importing.parquet import ParquetSource, holds_pictures
from impasto.data.importing.rows import tidy_row
from impasto.data.importing.source import Item, NotTaken, Refused, SourcePicture
from impasto.errors import ImpastoError

_MISSING = "there is no such picture in the folder"
_REGULARISATION = "a regularisation picture of kohya's layout, which is no work to learn from"


class FolderSource:
    """Any folder of pictures. Pictures that tables name come first, in their order, then the rest of the tree.

    Args:
        defaults: artist, style and genre for pictures whose metadata lacks them.
        leave_out: a folder inside `folder` that is skipped.
    """

    def __init__(self, folder: Path, defaults: dict[str, str] | None = None, leave_out: Path | None = None) -> None:
        self._folder = Path(folder)
        self._defaults = defaults or {}
        self._leave_out = leave_out
        self._notes: list[str] = []

    @property
    def place(self) -> str:
        """The absolute path of the folder."""
        return str(self._folder.resolve())

    def notes(self) -> list[str]:
        """What was read as metadata and captions, which folders name artists, and what was not taken."""
        return self._notes

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[Item]:
        """See `Source.pictures`. Refused files of the tree come first, files that are no pictures last."""
        listing = Listing.of(self._folder, self._leave_out)
        yield from (Refused(skip.file_name, skip.reason) for skip in listing.refused)
        parquet = self._parquet(listing)
        archives = Archives()
        try:
            for key in listing.archives:
                listing.others.pop(key, None)
                try:
                    archives.add_members(listing, key)
                except ImpastoError as error:
                    yield Refused(key, str(error))
            rows = FolderRows(listing)
            for item in rows:
                yield self._picture(item, listing, wanted)
        finally:
            archives.close()
        for key in parquet:
            inside = ParquetSource(listing.path(key), key, self._defaults, is_wikiart=False)
            yield from inside.pictures(wanted)
            rows.notes += inside.notes()
        left: Counter[str] = Counter()
        for key, reason in rows.not_taken():
            left[_ending(key)] += 1
            yield NotTaken(key, reason)
        self._notes = [*rows.notes]
        if left:
            endings = ", ".join(f"{count} {ending}" for ending, count in left.most_common(12))
            self._notes.append(f"files that are not taken: {endings}")

    def _picture(self, item: Found | Lost, listing: Listing, wanted: Callable[[str], bool]) -> SourcePicture | Refused:
        if isinstance(item, Lost):
            if item.kind == "missing":
                return Refused(item.name or item.where, item.reason or _MISSING)
            return Refused(item.where, item.reason)
        folders = PurePosixPath(item.key).parts[:-1]
        if words_of_folders(folders).is_regularisation:
            return Refused(item.key, _REGULARISATION)
        # The user's defaults go before what only the names of files and folders tell.
        known = {c: value for c, value in item.row.items() if c not in item.guessed or c not in self._defaults}
        if "artist" in item.guessed and "artist" in self._defaults:
            known.pop("artist_dates", None)
        row, remarks = tidy_row(known, self._defaults)
        file, data = listing.pictures[item.key], None
        if file is None and wanted(item.key):
            try:
                data = listing.read(item.key)
            except ImpastoError as error:
                return Refused(item.key, str(error).removeprefix(f"{item.key} "))
        return SourcePicture(item.key, _name(item.key), row, file, data, (*remarks, *item.remarks))

    def _parquet(self, listing: Listing) -> list[str]:
        """Returns the parquet files that hold pictures; they are not tables of pictures elsewhere."""
        found = []
        for tables in listing.tables.values():
            for key in [key for key in tables if suffix_of(key) == ".parquet"]:
                if holds_pictures(listing.path(key)):
                    tables.remove(key)
                    listing.others.pop(key, None)
                    found.append(key)
        return sorted(found)


def _name(key: str) -> str:
    """Returns a picture's name in the catalogue: an archive on its path becomes a folder."""
    parts = key.split("/")
    for place, part in enumerate(parts[:-1]):
        ending = next((end for end in ARCHIVE_ENDINGS[::-1] if part.lower().endswith(end)), "")
        parts[place] = part[: len(part) - len(ending)] or part
    return "/".join(parts)


def _ending(key: str) -> str:
    if key.endswith("/"):
        return "hidden folders"
    return suffix_of(key) or ("hidden files" if PurePosixPath(key).name.startswith(".") else "without an ending")
