"""Exports Parquet files in the layout of the Hugging Face hub.

Pictures are stored as bytes next to their metadata columns; the schema describes the features.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.data.exporting.rows import ExportRow, ExportRows
from impasto.errors import MissingPart

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP = 100  # rows, as on the hub for pictures: a reader of one picture need not read the whole file
_LISTS = ("tags", "captions")
_TEXTS = ("file_name", "artist", "title", "style", "genre", "text", "reviewed", "content")


def write_parquet(
    rows: ExportRows, folder: Path, *, shard_size: int, on_progress: Callable[[int], None] = lambda done: None
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
    own = sorted({column for row in rows.rows for column in row.entry.extra} - {"image", "year", *_LISTS, *_TEXTS})
    several = any(row.entry.variants for row in rows.rows)
    schema = _schema(own, ("tags", "captions") if several else ("tags",))
    (folder / "data").mkdir()
    shards = -(-len(rows.rows) // shard_size)
    count = 0
    for shard in range(shards):
        part = rows.rows[shard * shard_size : (shard + 1) * shard_size]
        with (folder / "data" / f"train-{shard:05}-of-{shards:05}.parquet").open("wb") as file:
            with parquet.ParquetWriter(file, schema) as writer:
                for start in range(0, len(part), ROW_GROUP):
                    table = _table(rows, part[start : start + ROW_GROUP], own, schema)
                    writer.write_table(table)
                    count += table.num_rows
                    on_progress(count)
            file.flush()
            os.fsync(file.fileno())
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


def _table(rows: ExportRows, part: Sequence[ExportRow], own: Sequence[str], schema: "pyarrow.Schema") -> "pyarrow.Table":
    import pyarrow as pa

    found = []
    for row, data in rows.with_bytes(part):
        columns = row.columns()
        found.append({"image": {"bytes": data, "path": row.name}} | dict.fromkeys(own) | columns)
    return pa.Table.from_pylist(found, schema=schema)
