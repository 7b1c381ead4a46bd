"""What machines and persons say of a catalogue's pictures: append-only logs beside its metadata.

`CATALOGUE/annotations/KIND.jsonl` holds one JSON object a line, the newest last. Nothing in it is ever changed, so whatever
a killed job had written stays. Each row names its picture and the content that it was made from; a row about another
content than the file's present one is stale, and counts as not there.
"""

from pathlib import Path
from typing import Any, Literal

from impasto.data.caches.row_log import RowLog
from impasto.weights.file_hash import hash_file

Kind = Literal["tags", "captions", "similarity", "filter", "review"]
FOLDER = "annotations"


def content_of(file: Path) -> str:
    """SHA-256, hexadecimal, of a picture's bytes, remembered by path, size and time of change.

    Raises:
        ImpastoError: the file cannot be read.
    """
    return hash_file(file, remembered_from=0)


class AnnotationLog(RowLog):
    """The log of one kind of one catalogue; its rows are objects with at least `file_name` and `content`."""

    def __init__(self, catalogue: Path, kind: Kind) -> None:
        super().__init__(Path(catalogue) / FOLDER / f"{kind}.jsonl", _is_annotation)

    def latest(self) -> dict[str, dict[str, Any]]:
        """The last row of each `file_name`."""
        return {row["file_name"]: row for row in self.rows()}


def _is_annotation(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("file_name"), str) and isinstance(row.get("content"), str)
