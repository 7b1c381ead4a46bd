"""Reads and writes `manifest.parquet`: one row per picture of a set of tar shards, in the order of the shards.

It is written and read a few thousand rows at a time, so that neither takes more memory for more pictures. The metadata of
the file names the shards, their sizes and their numbers of pictures. It is written last: shards without it are unfinished.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

from impasto.data.shards.rows import TEXTS, ManifestRow, row_of_columns
from impasto.errors import ImpastoError, MissingPart

if TYPE_CHECKING:
    import pyarrow

MANIFEST = "manifest.parquet"
_KEY = b"impasto_shards"
Reasons = Sequence[tuple[str, str]]
_GROUP = 8192  # rows of a row group
_BATCH = 1024  # rows that are decoded together


@dataclass(frozen=True)
class ShardFile:
    """A shard: its name, its size in bytes, and how many pictures the manifest or the scan found in it."""

    name: str
    size: int
    pictures: int


class ManifestWriter:
    """Writes a manifest to an open file. The same rows give the same bytes with one version of pyarrow.

    Raises:
        MissingPart: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            import pyarrow.parquet as parquet
        except ImportError:
            raise MissingPart("shards need pyarrow: pip install 'impasto[data]'") from None
        self._schema = _schema()
        self._writer: Any = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> "ManifestWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def add(self, row: ManifestRow) -> None:
        """Adds the next row."""
        self._rows.append(row.columns())
        if len(self._rows) >= _GROUP:
            self._flush()

    def finish(self, shards: Sequence[ShardFile], problems: Reasons = (), remarks: Reasons = ()) -> None:
        """Writes what is left, the list of the shards and, of a scan, the (file, reason) of what it found wrong."""
        self._flush()
        listed = [[one.name, one.size, one.pictures] for one in shards]
        described = {"shards": listed, "problems": list(problems), "remarks": list(remarks)}
        self._writer.add_key_value_metadata({_KEY: json.dumps(described).encode("utf-8", "replace")})

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


class Manifest:
    """A manifest to read.

    Attributes:
        shards: the shards in order.
        problems, remarks: (file, reason) that a scan found.

    Raises:
        MissingPart: pyarrow is not installed.
        ImpastoError: it is no manifest of shards.
    """

    def __init__(self, file: BinaryIO, where: str, store: str) -> None:
        try:
            import pyarrow.parquet as parquet
        except ImportError:
            raise MissingPart("shards need pyarrow: pip install 'impasto[data]'") from None
        self._where, self._store = where, store
        try:
            self._file: Any = parquet.ParquetFile(file)
            found = (self._file.schema_arrow.metadata or {}).get(_KEY) or (self._file.metadata.metadata or {}).get(_KEY)
            described = json.loads(found or b"null")
        except (OSError, ValueError) as error:
            raise ImpastoError(
                f"{where} cannot be read as parquet ({_line(error)}): export it again, or remove it"
            ) from None
        if not isinstance(described, dict) or self._file.schema_arrow.remove_metadata() != _schema():
            raise ImpastoError(
                f"{where} is no manifest of shards that this version of impasto wrote: remove it, and the shards are read"
            )
        self.shards = [ShardFile(str(name), int(size), int(count)) for name, size, count in described["shards"]]
        self.problems: Reasons = [(str(name), str(reason)) for name, reason in described["problems"]]
        self.remarks: Reasons = [(str(name), str(reason)) for name, reason in described["remarks"]]

    @property
    def pictures(self) -> int:
        """The number of rows."""
        return self._file.metadata.num_rows

    def rows(self) -> Iterator[ManifestRow]:
        """Yields the rows in order.

        Raises:
            ImpastoError: the file is damaged.
        """
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH):
                for columns in batch.to_pylist():
                    yield row_of_columns(columns, self._store)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ImpastoError(f"{self._where} is damaged ({_line(error)}): export it again, or remove it") from None


def _schema() -> "pyarrow.Schema":
    import pyarrow as pa

    texts = ("key", "shard", "member")
    numbers = (("offset", pa.int64()), ("size", pa.int64()), ("content", pa.binary(32)))
    return pa.schema([
        *(pa.field(name, pa.string()) for name in texts), *(pa.field(name, kind) for name, kind in numbers),
        pa.field("width", pa.int32()), pa.field("height", pa.int32()), pa.field("file_name", pa.string()),
        *(pa.field(name, pa.string()) for name in TEXTS), pa.field("year", pa.int32()), pa.field("text", pa.string()),
        pa.field("captions", pa.list_(pa.string())), pa.field("tags", pa.list_(pa.string())),
        pa.field("repeats", pa.int32()), pa.field("reviewed", pa.string()),
        pa.field("extra", pa.map_(pa.string(), pa.string())),
    ])  # fmt: skip


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
