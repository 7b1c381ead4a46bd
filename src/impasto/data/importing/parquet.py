"""An import source that reads parquet files in the layout of the Hugging Face hub, WikiArt's (huggan/wikiart) and others.

Parquet files hold the pictures' bytes, with their other columns beside them; classes, as WikiArt's artist, style and genre,
are numbers whose names are in the schema.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from impasto.data.catalogue.columns import column_of
from impasto.data.catalogue.companions import is_condition
from impasto.data.catalogue.wikiart_names import row_of_name
from impasto.data.importing.rows import tidy_row
from impasto.data.importing.source import Refused, SourcePicture
from impasto.errors import ImpastoError, MissingPart

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

_BYTES_COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp", "picture", "bytes", "image_bytes", "image_data", "content")
_BATCH = 16  # rows whose pictures are in memory at a time


class ParquetSource:
    """The rows of all `*.parquet` files of a folder, or of one such file.

    Args:
        name: the file's name in keys, if `place` is one file; by default its own name.
        defaults: artist, style and genre of rows without them.
        is_wikiart: whether the pictures' file names are WikiArt's, which tell artist, title and year.
    """

    def __init__(
        self, place: Path, name: str = "", defaults: dict[str, str] | None = None, *, is_wikiart: bool = True
    ) -> None:
        """Raises MissingPart if pyarrow is not installed."""
        try:
            import pyarrow  # noqa: F401
        except ModuleNotFoundError:
            raise MissingPart("parquet needs pyarrow: pip install 'impasto[data]'") from None
        self._place = Path(place)
        self._name, self._defaults, self._is_wikiart = name, defaults, is_wikiart
        self._notes: dict[str, None] = {}

    @property
    def place(self) -> str:
        """The absolute path of the folder or file."""
        return str(self._place.resolve())

    def notes(self) -> list[str]:
        """Columns with further pictures, which are not taken."""
        return list(self._notes)

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[SourcePicture | Refused]:
        """See `Source.pictures`. If a file or a row group cannot be read, the rest of it is refused."""
        import pyarrow
        from pyarrow.parquet import ParquetFile

        for file in parquet_files(self._place):
            name = file.relative_to(self._place).as_posix() if self._place.is_dir() else self._name or file.name
            try:
                with ParquetFile(file, pre_buffer=False) as opened:
                    schema = opened.schema_arrow
                    if further := [c for c in _picture_columns(schema) if c != _image_column(schema)]:
                        self._notes[f"{name}: further pictures of its rows are not taken: {', '.join(further)}"] = None
                    for key, values, image in _rows_of_file(name, opened, wanted):
                        yield Refused(key, values) if isinstance(values, str) else self._picture(key, values, image)
            except (pyarrow.ArrowException, OSError, ImpastoError) as error:
                yield Refused(name, f"cannot be read as parquet ({_first_line(error)})")

    def _picture(self, key: str, values: dict[str, Any], image: str) -> SourcePicture | Refused:
        cell = values.pop(image, None) or {}
        path = cell.get("path") or ""
        stem, _, number = key.rpartition("#")
        name = path if path else f"{PurePosixPath(stem).with_suffix('')}/{int(number):06d}"
        if "bytes" in cell and not cell["bytes"]:
            return Refused(key, "no picture in the row")
        row = row_of_name(path) if self._is_wikiart and "_" in PurePosixPath(path).stem else {}
        if not self._is_wikiart:
            values = {column: value for column, value in values.items() if column_of(column) != "file_name"}
        tidy, remarks = tidy_row({**row, **values}, self._defaults)
        return SourcePicture(key, name, tidy, None, cell.get("bytes"), remarks)


def parquet_files(place: Path) -> list[Path]:
    """Returns the Parquet files of a folder, sorted and without hidden ones, or `place` itself if it is such a file."""
    if place.is_file():
        return [place] if place.suffix == ".parquet" else []
    found = (path for path in place.rglob("*.parquet") if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(place).parts))


def holds_pictures(file: Path) -> bool:
    """Returns whether a column of the parquet file holds pictures; False if it cannot be read.

    Raises:
        MissingPart: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow.parquet import read_schema
    except ModuleNotFoundError:
        raise MissingPart("parquet needs pyarrow: pip install 'impasto[data]'") from None
    try:
        _image_column(read_schema(file))
    except (pyarrow.ArrowException, OSError, ImpastoError):
        return False
    return True


def _rows_of_file(
    name: str, opened: "ParquetFile", wanted: Callable[[str], bool]
) -> Iterator[tuple[str, dict[str, Any] | str, str]]:
    """Yields (key, columns or the reason why there are none, the picture's column) of each row."""
    import pyarrow

    schema = opened.schema_arrow
    image = _image_column(schema)
    is_struct = pyarrow.types.is_struct(schema.field(image).type)
    classes = _classes(schema)
    pictures = _picture_columns(schema)
    others = [column for column in schema.names if column != image and column not in pictures]
    row = 0
    for group in range(opened.num_row_groups):
        keys = [f"{name}#{row + n}" for n in range(opened.metadata.row_group(group).num_rows)]
        row += len(keys)
        has_bytes = any(map(wanted, keys))
        path = [f"{image}.path"] if is_struct and schema.field(image).type.get_field_index("path") >= 0 else []
        columns = [*others, *([image] if has_bytes else path)]
        place = 0
        try:
            for batch in opened.iter_batches(_BATCH, row_groups=[group], columns=columns):
                for values in batch.to_pylist() if columns else [{}] * batch.num_rows:
                    key, place = keys[place], place + 1
                    if not is_struct and has_bytes:
                        values[image] = {"bytes": values.get(image)}
                    words = {column: _in_words(value, classes.get(column)) for column, value in values.items()}
                    yield key, words, image
        except (pyarrow.ArrowException, OSError) as error:
            reason = f"cannot be read ({_first_line(error)})"
            yield from ((key, reason, image) for key in keys[place:])


def _in_words(value: Any, names: list[str] | None) -> Any:
    if names is None:
        return value
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _image_column(schema: "pyarrow.Schema") -> str:
    """Returns the column with the works: of several with pictures the first that holds no conditions or masks.

    Raises:
        ImpastoError: there is none.
    """
    found = _picture_columns(schema)
    if not found:
        raise ImpastoError("no column holds pictures (bytes, path)")
    return next((column for column in found if not is_condition(column)), found[0])


def _picture_columns(schema: "pyarrow.Schema") -> list[str]:
    """Returns the columns that hold pictures, those in the hub's form, with bytes and path, first."""
    import pyarrow

    hub = [c.name for c in schema if pyarrow.types.is_struct(c.type) and c.type.get_field_index("bytes") >= 0]
    binary = [c.name for c in schema if pyarrow.types.is_binary(c.type) or pyarrow.types.is_large_binary(c.type)]
    return hub + [name for name in binary if name.lower() in _BYTES_COLUMNS or is_condition(name)]


def _classes(schema: "pyarrow.Schema") -> dict[str, list[str]]:
    """Returns a dict from column to class names, from the metadata that `datasets` writes into the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return {
        column: [str(name) for name in feature["names"]]
        for column, feature in features.items()
        if isinstance(feature, dict) and isinstance(feature.get("names"), list)
    }


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["broken"])[0][:200]
