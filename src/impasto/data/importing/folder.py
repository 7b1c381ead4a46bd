"""An import source that reads a folder of pictures.

The folder has `metadata.jsonl` or `metadata.csv`, or is a bare tree `artist/picture.jpg`.
"""

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from impasto.data.catalogue.entry import CatalogueReport
from impasto.data.catalogue.metadata import rows_of_lines, rows_of_table
from impasto.data.importing.rows import column_of, tidy_row
from impasto.data.importing.source import PictureTree, Refused, SourcePicture


class FolderSource:
    """Any folder of pictures. Pictures in the metadata come first, in its order, then the rest of the tree.

    Args:
        defaults: artist, style and genre for pictures whose metadata lacks them.
        leave_out: a folder inside `folder` that is skipped.
    """

    def __init__(self, folder: Path, defaults: dict[str, str] | None = None, leave_out: Path | None = None) -> None:
        self._folder = Path(folder)
        self._defaults = defaults or {}
        self._leave_out = leave_out

    @property
    def place(self) -> str:
        """The absolute path of the folder."""
        return str(self._folder.resolve())

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[SourcePicture | Refused]:
        """See `Source.pictures`. Refused files of the tree come first."""
        del wanted
        tree = PictureTree.of(self._folder, self._leave_out)
        yield from tree.refused
        # Some systems encode "é" as one character, some as two: a row and its file may differ in that.
        by_name = {unicodedata.normalize("NFC", key): key for key in reversed(tree.files)}
        seen: set[str] = set()
        for where, row, remark in self._rows():
            if row is None:
                yield Refused(where, remark)
                continue
            name = _file_name(row)
            key = by_name.get(name) or by_name.get(_inside(name))
            if key is None:
                yield Refused(name or where, _why_not(name))
            elif key in seen:
                yield Refused(where, f"names {key} a second time")
            else:
                seen.add(key)
                known = {column: value for column, value in row.items() if column_of(column) != "file_name"}
                tidy, remarks = tidy_row(known, self._defaults)
                yield SourcePicture(key, key, tidy, tree.files[key], None, (*remarks, *filter(None, [remark])))
        for key, file in tree.files.items():
            if key not in seen:
                yield SourcePicture(key, key, self._row_of_path(key), file)

    def _rows(self) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
        """Yields (location, row, remark) of the metadata; for a row that cannot be read, (location, None, reason)."""
        report = CatalogueReport()
        lines, table = self._folder / "metadata.jsonl", self._folder / "metadata.csv"
        if lines.is_file():
            rows = rows_of_lines(lines, report)
        elif table.is_file():
            rows = rows_of_table(table, report, lambda column: column_of(column) == "file_name")
        else:
            return
        for where, row in rows:
            yield from ((skip.file_name, None, skip.reason) for skip in report.skipped)
            remark = report.warnings[-1].reason if report.warnings else ""
            report.skipped.clear()  # emptied for each row: a million lines may all have warnings
            report.warnings.clear()
            yield where, row, remark
        yield from ((skip.file_name, None, skip.reason) for skip in report.skipped)

    def _row_of_path(self, key: str) -> dict[str, Any]:
        path = PurePosixPath(key)
        guessed = {"title": path.stem.replace("-", " ").replace("_", " ")}
        if len(path.parts) > 1:
            guessed["artist"] = path.parts[0]
        # The user's defaults take precedence over values guessed from the folder's name.
        return tidy_row(guessed | self._defaults)[0]


def _file_name(row: dict[str, Any]) -> str:
    for column, value in row.items():
        if column_of(column) == "file_name" and isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _inside(name: str) -> str:
    """Returns the name in the form of the tree's keys. No key matches an absolute name or one with `..`."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    return str(PurePosixPath(name)) if "/" in name else name


def _why_not(name: str) -> str:
    if not name:
        return "no file name"
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        return "the path leaves the folder"
    return "there is no such picture in the folder"
