"""An import source that reads WikiArt in the layout of the Hugging Face hub (huggan/wikiart).

Parquet files hold the pictures' bytes, with artist, style and genre as class ids.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from impasto.data.importing.rows import tidy_row
from impasto.data.importing.source import Refused, SourcePicture
from impasto.data.importing.wikiart import row_of_name
from impasto.errors import ImpastoError, MissingPart

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

_BATCH = 16  # rows whose pictures are in memory at a time


class ParquetSource:
    """The rows of all `*.parquet` files of a folder, or of one such file."""

    def __init__(self, place: Path) -> None:
        """Raises MissingPart if pyarrow is not installed."""
        try:
            import pyarrow  # noqa: F401
        except ModuleNotFoundError:
            raise MissingPart("parquet needs pyarrow: pip install 'impasto[data]'") from None
        self._place = Path(place)

    @property
    def place(self) -> str:
        """The absolute path of the folder or file."""
        return str(self._place.resolve())

    def pictures(self, wanted: Callable[[str], bool]) -> Iterator[SourcePicture | Refused]:
        """See `Source.pictures`. If a file or a row group cannot be read, the rest of it is refused."""
        import pyarrow
        from pyarrow.parquet import ParquetFile

        for file in parquet_files(self._place):
            name = file.relative_to(self._place).as_posix() if self._place.is_dir() else file.name
            try:
                with ParquetFile(file, pre_buffer=False) as opened:
                    yield from _rows_of_file(name, opened, wanted)
            except (pyarrow.ArrowException, OSError, ImpastoError) as error:
                yield Refused(name, f"cannot be read as parquet ({_first_line(error)})")


def parquet_files(place: Path) -> list[Path]:
    """Returns the Parquet files of a folder, sorted and without hidden ones, or `place` itself if it is such a file."""
    if place.is_file():
        return [place] if place.suffix == ".parquet" else []
    found = (path for path in place.rglob("*.parquet") if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(place).parts))


def _rows_of_file(
    name: str, opened: "ParquetFile", wanted: Callable[[str], bool]
) -> Iterator[SourcePicture | Refused]:
    import pyarrow

    schema = opened.schema_arrow
    image = _image_column(schema)
    classes = _classes(schema)
    others = [column for column in schema.names if column != image]
    row = 0
    for group in range(opened.num_row_groups):
        keys = [f"{name}#{row + n}" for n in range(opened.metadata.row_group(group).num_rows)]
        row += len(keys)
        columns = [*others, image if any(map(wanted, keys)) else f"{image}.path"]
        place = 0
        try:
            for batch in opened.iter_batches(_BATCH, row_groups=[group], columns=columns):
                for values in batch.to_pylist():
                    key, place = keys[place], place + 1
                    yield _picture(key, values, image, classes)
        except (pyarrow.ArrowException, OSError) as error:
            reason = f"cannot be read ({_first_line(error)})"
            yield from (Refused(key, reason) for key in keys[place:])


def _picture(
    key: str, values: dict[str, Any], image: str, classes: dict[str, list[str]]
) -> SourcePicture | Refused:
    cell = values.pop(image, None) or {}
    path = cell.get("path") or ""
    stem, _, number = key.rpartition("#")
    name = path if path else f"{PurePosixPath(stem).with_suffix('')}/{int(number):06d}"
    if "bytes" in cell and not cell["bytes"]:
        return Refused(key, "no picture in the row")
    row = row_of_name(path) if "_" in PurePosixPath(path).stem else {}
    row |= {column: _in_words(value, classes.get(column)) for column, value in values.items()}
    tidy, remarks = tidy_row(row)
    return SourcePicture(key, name, tidy, None, cell.get("bytes"), remarks)


def _in_words(value: Any, names: list[str] | None) -> Any:
    if names is None:
        return value
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _image_column(schema: "pyarrow.Schema") -> str:
    import pyarrow

    for column in schema:
        if pyarrow.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
            return column.name
    raise ImpastoError("no column holds pictures (bytes, path)")


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
