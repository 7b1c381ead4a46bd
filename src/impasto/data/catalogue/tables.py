"""Reads the rows of tables that name pictures: JSON lines, JSON, CSV with any usual separator, parquet without pictures."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from impasto.data.catalogue.columns import names_pictures
from impasto.data.catalogue.entry import CatalogueReport, Skipped
from impasto.data.catalogue.text_files import TextSource
from impasto.errors import ImpastoError, MissingPart

LINES, TABLES, PARQUET = (".jsonl", ".ndjson"), (".csv", ".tsv"), (".parquet",)
TABLE_SUFFIXES = frozenset({*LINES, *TABLES, *PARQUET, ".json"})
_SEPARATORS = (",", ";", "\t", "|")
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jfif", ".jpe")
Rows = Iterator[tuple[str, dict[str, Any]]]


def rows_of_file(
    source: TextSource,
    suffix: str,
    report: CatalogueReport,
    has_names: Callable[[Iterable[str]], bool] = names_pictures,
    keys: str = "file_name",
) -> Rows:
    """Yields (location, row) of a table of any kind, told from its `suffix`; rows that cannot be read go to `report`.

    `has_names` and `keys` are as for `rows_of_table`.

    Raises:
        ImpastoError: the file cannot be read as a whole, or a CSV file has no column for the pictures' file names.
        MissingPart: it is a parquet file and pyarrow is not installed.
    """
    if suffix in (*LINES, ".json"):
        return rows_of_lines(source, report)
    return rows_of_parquet(source) if suffix in PARQUET else rows_of_table(source, report, has_names, keys)


def rows_of_lines(source: TextSource, report: CatalogueReport) -> Rows:
    """Yields (location, row) of JSON objects: one per line (read as a stream), several per line, over lines, or in a list.

    Other lines go to `report`. COCO's captions become one row per picture, with a list of captions.

    Raises:
        ImpastoError: the file cannot be read.
    """
    lines = _lines(source, report)
    first: list[str] = []
    for line in lines:
        first.append(line)
        if line.strip():
            break
    if first and not _is_line_of_rows(first[-1], source.name):
        text = "".join(chain(first, lines))
        values = _values(text)
        if values is not None:
            yield from _rows_of_values(source.name, values, report)
            return
        lines, first = iter(text.splitlines(keepends=True)), []
    for number, line in enumerate(chain(first, lines), 1):
        where = f"{_short(source.name)} line {number}"
        if not line.strip():
            continue
        values = _values(line)
        if values is None:
            report.skipped.append(Skipped(where, "not JSON"))
            continue
        for value in values:
            if isinstance(value, dict):
                yield where, value
            else:
                report.skipped.append(Skipped(where, "not a JSON object"))


def rows_of_table(
    source: TextSource,
    report: CatalogueReport,
    has_names: Callable[[Iterable[str]], bool] = names_pictures,
    keys: str = "file_name",
) -> Rows:
    """Yields (location, row) of a CSV file, read as a stream; its separator is a comma, semicolon, tab or bar.

    A row that cannot be read is skipped and reported; a row that is too short or too long is used with a warning in
    `report`, and so is a row whose quote is never closed. A table without a heading, whose first line begins with a
    picture's name, has the columns file name (also "0.jpg#1", Flickr8k's caption 1), perhaps a number, and text.

    Args:
        has_names: returns whether one of these columns holds the pictures' file names; there must be such a column.
        keys: such columns, for the message if there is none.

    Raises:
        ImpastoError: the file cannot be read, or no column names the pictures.
    """
    read: list[str] = []  # the lines of the row that is being read

    def lines() -> Iterator[str]:
        for line in _lines(source, report, ""):
            read.append(line)
            yield line

    given = lines()
    try:
        heading, separator, skipped, begun = _heading(given, has_names)
    except csv.Error as error:
        raise ImpastoError(f"{source.name} cannot be read as CSV: {error}") from None
    if heading is None:
        raise ImpastoError(
            f"{source.name} has no column {keys}: its first line names the columns, with commas, semicolons or tabs "
            "between them"
        )
    name, number = _short(source.name), skipped
    rest = chain(begun, given)
    reader = csv.reader(rest, delimiter=separator)
    while True:
        read.clear()
        before = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            line = number + reader.line_num + (reader.line_num == before)
            report.skipped.append(Skipped(f"{name} line {line}", str(error)))
            continue
        if cells is None:
            return
        line = number + reader.line_num
        if not cells:
            continue
        if len(cells) < len(heading) and len(read) > 1:
            first = line - len(read) + 1
            report.warnings.append(Skipped(f"{name} line {first}", "a quote is not closed: its lines are read without it"))
            for n, alone in enumerate(csv.reader(list(read), delimiter=separator, quoting=csv.QUOTE_NONE)):
                cleaned = [cell.removeprefix('"').removesuffix('"') for cell in alone]
                yield from _row(f"{name} line {first + n}", heading, cleaned, report)
            continue
        yield from _row(f"{name} line {line}", heading, cells, report)


def _row(where: str, heading: list[str], cells: list[str], report: CatalogueReport) -> Rows:
    if len(cells) != len(heading):
        report.warnings.append(Skipped(where, "another number of columns than the heading"))
    yield where, dict(zip(heading, cells, strict=False))


def _heading(
    lines: Iterator[str], has_names: Callable[[Iterable[str]], bool]
) -> tuple[list[str] | None, str, int, list[str]]:
    """Returns (columns or None, separator, lines read, lines to read as rows)."""
    count = 0
    for line in lines:
        count += 1
        told = line.strip().lower()
        if not told:
            continue
        separators: tuple[str, ...] = _SEPARATORS
        if told.startswith("sep=") and len(told) <= 5:  # Excel's own first line
            continue
        for separator in separators:
            cells = next(csv.reader([line], delimiter=separator), [])
            columns = [cell.strip() for cell in cells]
            if has_names(columns):
                return columns, separator, count, []
        for separator in separators:
            cells = next(csv.reader([line], delimiter=separator), [])
            if not cells or not without_caption_number(cells[0].strip()).lower().endswith(_PICTURE_ENDINGS):
                continue
            if len(cells) == 2:
                return ["file_name", "text"], separator, count - 1, [line]
            if len(cells) == 3 and cells[1].strip().isdecimal():
                return ["file_name", "comment_number", "text"], separator, count - 1, [line]
        return None, ",", count, []
    return None, ",", count, []


def rows_of_parquet(source: TextSource) -> Rows:
    """Yields (location, row) of a parquet file without pictures.

    Raises:
        MissingPart: pyarrow is not installed.
        ImpastoError: the file cannot be read, or no column names the pictures.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise MissingPart("parquet needs pyarrow: pip install 'impasto[data]'") from None
    try:
        with source.open() as file, ParquetFile(file) as opened:
            kinds = [column.type for column in opened.schema_arrow]
            if any(pyarrow.types.is_binary(kind) or pyarrow.types.is_struct(kind) for kind in kinds):
                raise ImpastoError(f"{source.name} holds pictures: `impasto data import folder` reads them")
            row = 0
            for batch in opened.iter_batches(1024):
                for values in batch.to_pylist():
                    row += 1
                    yield f"{_short(source.name)} row {row}", values
    except (pyarrow.ArrowException, OSError) as error:
        raise ImpastoError(f"{source.name} cannot be read as parquet: {str(error).splitlines()[0][:200]}") from None


def without_caption_number(name: str) -> str:
    """Returns a picture's name without Flickr8k's number of the caption: "0.jpg" for "0.jpg#2"."""
    bare, mark, number = name.rpartition("#")
    return bare if mark and number.isdecimal() and bare.lower().endswith(_PICTURE_ENDINGS) else name


def _is_line_of_rows(line: str, name: str) -> bool:
    values = _values(line)
    return values is not None and all(isinstance(value, dict) and not _is_nested(value, name) for value in values)


def _is_nested(value: dict[str, Any], name: str) -> bool:
    """Returns whether the object holds one row or caption per picture, as kohya's metadata does, or COCO's lists."""
    by_picture = bool(value) and all(isinstance(inner, dict) for inner in value.values())
    return by_picture or _is_coco(value) or bool(_wrapped(value)) or _maps_captions(value, name)


def _maps_captions(value: dict[str, Any], name: str) -> bool:
    """Returns whether the only object of a JSON file maps pictures' names to captions."""
    texts = bool(value) and all(isinstance(text, str) or (isinstance(text, list) and text) for text in value.values())
    return texts and name.lower().endswith(".json") and not names_pictures(value)


def _is_coco(value: dict[str, Any]) -> bool:
    return isinstance(value.get("images"), list) and isinstance(value.get("annotations"), list)


def _wrapped(value: dict[str, Any]) -> list[Any]:
    """Returns the rows of an object that only holds lists of rows: {"images": [...]}, {"train": [...], "val": [...]}."""
    if names_pictures(value):
        return []
    lists = [inner for inner in value.values() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
    return [row for inner in lists if names_pictures(inner[0]) or "key" in inner[0] for row in inner]


def _values(text: str) -> list[Any] | None:
    """Returns the JSON values of a text, one after the other, or None if the text is not only such values."""
    decoder, found, place = json.JSONDecoder(), [], 0
    try:
        while True:
            while place < len(text) and text[place] in " \t\r\n,\ufeff":
                place += 1
            if place >= len(text):
                return found
            value, place = decoder.raw_decode(text, place)
            found.append(value)
    except (ValueError, RecursionError):
        return None


def _rows_of_values(name: str, values: list[Any], report: CatalogueReport) -> Rows:
    number = 0
    for value in values:
        if isinstance(value, dict) and _is_coco(value):
            rows: Iterable[Any] = _coco_rows(value)
        elif isinstance(value, dict) and (wrapped := _wrapped(value)):
            rows = wrapped
        elif isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            rows = ({"file_name": key, **inner} for key, inner in value.items())
        elif isinstance(value, dict) and _maps_captions(value, name):
            rows = ({"file_name": key, "text": text} for key, text in value.items())
        else:
            rows = value if isinstance(value, list) else [value]
        for row in rows:
            number += 1
            where = f"{_short(name)} row {number}"
            if isinstance(row, dict):
                yield where, row
            else:
                report.skipped.append(Skipped(where, "not a JSON object"))


def _coco_rows(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields one row per picture of COCO's caption annotations."""
    captions: dict[Any, list[str]] = {}
    for said in value["annotations"]:
        if isinstance(said, dict) and isinstance(said.get("caption"), str):
            captions.setdefault(said.get("image_id"), []).append(said["caption"])
    if not captions:  # boxes or outlines of objects
        return
    licences = {one.get("id"): one.get("name") for one in value.get("licenses") or () if isinstance(one, dict)}
    for image in value["images"]:
        if isinstance(image, dict):
            row = {"file_name": image.get("file_name"), "text": captions.get(image.get("id"), [])}
            url = image.get("coco_url") or image.get("flickr_url")
            yield row | {"license": licences.get(image.get("license")), "url": url}


def _lines(source: TextSource, report: CatalogueReport, newline: str | None = "\n") -> Iterator[str]:
    """Yields the lines of a text file, one at a time. `newline` is passed to `open`. Warns of an unusual encoding."""
    try:
        encoding = source.encoding()
        if encoding == "cp1252":
            report.notes.append(f"{_short(source.name)} is not UTF-8: it is read as Windows-1252")
        with source.text_lines(encoding, newline) as file:
            yield from file
    except UnicodeDecodeError:
        raise ImpastoError(f"{source.name} is not a text that can be decoded: save it as UTF-8") from None
    except OSError as error:
        raise ImpastoError(f"{source.name} cannot be read: {error.strerror}") from None


def _short(name: str) -> str:
    return name.rpartition("/")[2] if name.startswith("/") else name
