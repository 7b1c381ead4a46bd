"""What machines and persons say of a catalogue's pictures: append-only logs beside its metadata.

`CATALOGUE/annotations/KIND.jsonl` holds one JSON object a line, the newest last. Nothing in it is ever changed, so whatever
a killed job had written stays. Each row names its picture and the content that it was made from; a row about another
content than the file's present one is stale, and counts as not there.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from impasto.checkpoints.file_hash import hash_file
from impasto.errors import ImpastoError
from impasto.files import sync_folder

Kind = Literal["tags", "captions", "similarity", "filter", "review"]
FOLDER = "annotations"


def content_of(file: Path) -> str:
    """SHA-256, hexadecimal, of a picture's bytes, remembered by path, size and time of change.

    Raises:
        ImpastoError: the file cannot be read.
    """
    return hash_file(file, remembered_from=0)


class AnnotationLog:
    """The log of one kind of one catalogue. Several processes may append to it and read it at the same time.

    Attributes:
        path: the file, which need not be there yet.
        broken: how many lines the last complete reading had to skip; a torn last line, which a kill leaves, not counted.
    """

    def __init__(self, catalogue: Path, kind: Kind) -> None:
        self.path = Path(catalogue) / FOLDER / f"{kind}.jsonl"
        self.broken = 0

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Adds rows, each with at least `file_name` and `content`: one write, on disk when this returns.

        Raises:
            ImpastoError: the log cannot be written; then it is as it was before.
            ValueError: a row lacks `file_name` or `content`, or holds what is not JSON.
        """
        if not rows:
            return
        for row in rows:
            if not _is_annotation(row):
                raise ValueError(f"an annotation without file_name or content: {row}")
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        data = text.encode("utf-8", "backslashreplace")
        try:
            self.path.parent.mkdir(exist_ok=True)
            new = not self.path.exists()
            with self.path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._append(file, data)
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise ImpastoError(f"{self.path} cannot be written: {error.strerror}") from None

    def _append(self, file: BinaryIO, data: bytes) -> None:
        whole = _end_of_last_row(self.path)
        file.truncate(whole)
        try:
            if whole and not _ends_a_line(self.path, whole):
                data = b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(self.path, whole)
            raise

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, the oldest first; a torn or broken line is skipped.

        Raises:
            ImpastoError: the log is there and cannot be read.
        """
        broken = 0
        torn = False
        try:
            with self.path.open("rb") as file:
                for line in file:
                    row = _parsed(line)
                    if row is not None:
                        yield row
                    elif line.strip():
                        torn = not line.endswith(b"\n")
                        broken += 1
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ImpastoError(f"{self.path} cannot be read: {error.strerror}") from None
        self.broken = broken - torn

    def latest(self) -> dict[str, dict[str, Any]]:
        """The last row of each `file_name`."""
        return {row["file_name"]: row for row in self.rows()}


def _is_annotation(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("file_name"), str) and isinstance(row.get("content"), str)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if _is_annotation(row) else None


def _end_of_last_row(path: Path) -> int:
    """Where the log ends once a torn last line is cut; a last row that lacks only its line break is whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start, tail = size, b""
        while start and b"\n" not in tail:
            step = min(start, 1 << 16)
            start -= step
            file.seek(start)
            tail = file.read(step) + tail
    last = tail[tail.rfind(b"\n") + 1 :]
    return size if not last or _parsed(last) is not None else size - len(last)


def _ends_a_line(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"
