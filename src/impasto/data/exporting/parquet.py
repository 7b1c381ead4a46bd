"""Exports Parquet files in the layout of the Hugging Face hub.

Pictures are stored as bytes next to their metadata columns; the schema describes the features.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.data.catalogue.entry import CatalogueEntry
from impasto.data.exporting.rows import ExportRow, ExportRows
from impasto.errors import MissingPart

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP = 100  # rows, as on the hub for pictures: a reader of one picture need not read the whole file
_LISTS = ("tags", "captions")
_TEXTS = ("file_name", "artist", "title", "style", "genre", "text", "reviewed", "content")


@dataclass(frozen=True)
class OwnColumns:
    """The columns of a catalogue that not every export has: its own ones by name, and whether pictures have variants."""

    names: frozenset[str]
    several: bool

    @classmethod
    def of(cls, entries: Iterable[CatalogueEntry]) -> "OwnColumns":
        """Returns the columns of these entries."""
        names: set[str] = set()
        several = False
        for entry in entries:
            names.update(entry.extra)
            several = several or bool(entry.variants)
        return cls(frozenset(names), several)


def write_parquet(
    rows: ExportRows,
    folder: Path,
    columns: OwnColumns,
    *,
    shard_size: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Writes `folder/data/train-00000-of-00001.parquet` and so on, `shard_size` pictures each; returns the number of rows.

    Columns: image (struct of bytes and path), file_name, artist, title, year (int32, null if unknown), style, genre,
    text, tags (list of strings), reviewed, content, the catalogue's additional columns as strings, and, if a picture has
    several, captions (list of strings). `on_progress` is called with the number of rows written.

    Raises:
        MissingPart: pyarrow is not installed.
        OSError: the folder cannot be written.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingPart("parquet needs pyarrow: pip install 'impasto[data]'") from None
    own = sorted(columns.names - {"image", "year", *_LISTS, *_TEXTS})
    schema = _schema(own, ("tags", "captions") if columns.several else ("tags",))
    (folder / "data").mkdir()
    pictures = rows.with_bytes()
    written: list[Path] = []
    count = 0
    while head := list(islice(pictures, 1)):
        written.append(folder / "data" / f"{len(written)}.parquet")
        with written[-1].open("wb") as file:
            with parquet.ParquetWriter(file, schema) as writer:
                shard = chain(head, islice(pictures, shard_size - 1))
                while group := list(islice(shard, ROW_GROUP)):
                    writer.write_table(_table(group, own, schema))
                    count += len(group)
                    on_progress(count)
            file.flush()
            os.fsync(file.fileno())
    for number, path in enumerate(written):  # their number is known only now
        path.rename(path.with_name(f"train-{number:05}-of-{len(written):05}.parquet"))
    return count


def _schema(own: Sequence[str], lists: Sequence[str]) -> "pyarrow.Schema":
    """Builds the schema: the columns' types, and in its metadata the features in the format of `datasets`."""
    import pyarrow as pa

    text = {"dtype": "string", "_type": "Value"}
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        **{name: text for name in (*_TEXTS, *own)},
        "year": {"dtype": "int32", "_type": "Value"},
        **{name: {"feature": text, "_type": "Sequence"} for name in lists},
    }
    fields = [
        pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        *(pa.field(name, pa.string()) for name in (*_TEXTS, *own)),
        pa.field("year", pa.int32()),
        *(pa.field(name, pa.list_(pa.string())) for name in lists),
    ]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _table(rows: Sequence[tuple[ExportRow, bytes]], own: Sequence[str], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow as pa

    found = [{"image": {"bytes": data, "path": row.name}} | dict.fromkeys(own) | row.columns() for row, data in rows]
    return pa.Table.from_pylist(found, schema=schema)
