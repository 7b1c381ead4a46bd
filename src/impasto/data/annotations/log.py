"""Append-only logs of a catalogue's annotations, made by models or human reviewers and stored beside its metadata.

`CATALOGUE/annotations/KIND.jsonl` holds one JSON object per line, the newest last. Existing rows are never changed, so rows
that a killed job wrote are kept. Each row names its picture and the content hash that it was made from. A row whose content
differs from the file's present content is stale and is ignored.
"""

from pathlib import Path
from typing import Any, Literal

from impasto.data.caches.row_log import RowLog
from impasto.data.shards.homes import is_home
from impasto.data.shards.member import ShardMember
from impasto.weights.file_hash import hash_file

Kind = Literal["tags", "captions", "similarity", "filter", "review"]
FOLDER = "annotations"
IMPORTED = "imported/"  # before the name of who wrote a caption or tags that `import_captions` merged


def content_of(file: Path) -> str:
    """Returns the SHA-256 of a picture's bytes, hexadecimal. The hash is cached by path, size and time of change.

    For a picture inside a shard it is the manifest's, against which its bytes are checked whenever they are read.

    Raises:
        ImpastoError: the file cannot be read.
    """
    if isinstance(file, ShardMember):
        return file.place.content
    return hash_file(file, remembered_from=0)


class AnnotationLog(RowLog):
    """The log of one kind of annotation of one catalogue. Rows are objects with at least `file_name` and `content`.

    Of a part of a set of shards, `catalogue` is the part's `home`, which is made when something is written.
    """

    def __init__(self, catalogue: Path, kind: Kind) -> None:
        path = Path(catalogue) / FOLDER / f"{kind}.jsonl"
        super().__init__(path, _is_annotation, parents=is_home(Path(catalogue)))

    def latest(self) -> dict[str, dict[str, Any]]:
        """Returns the last row of each `file_name`."""
        return {row["file_name"]: row for row in self.rows()}


def _is_annotation(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("file_name"), str) and isinstance(row.get("content"), str)
