"""Append-only logs with one JSON object per line, the newest last. Existing rows are never changed.

Rows that a killed writer had appended are kept; the next writer cuts an incomplete last line. Several processes may append
to a log and read it at the same time.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from impasto.errors import ImpastoError
from impasto.files import sync_folder


class RowLog:
    """The log at `path`, whose rows are the JSON objects that `is_row` accepts.

    Attributes:
        path: the file, which need not exist yet.
        broken: number of lines that the last complete reading skipped, not counting an incomplete last line left by a kill.
        torn: the incomplete last line found by the last complete reading; b"" if there was none.
    """

    def __init__(self, path: Path, is_row: Callable[[object], bool], *, parents: bool = False) -> None:
        """With `parents`, folders above the log's own are made, too, when something is written."""
        self.path = Path(path)
        self.broken = 0
        self.torn = b""
        self._is_row, self._parents = is_row, parents

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Appends rows in one write, and returns when they are on disk. Creates the log's folder if it is missing.

        Raises:
            ImpastoError: the log cannot be written; it is then unchanged.
            ValueError: an object is not a row of this log, or contains a value that JSON does not support.
        """
        if not rows:
            return
        for row in rows:
            if not self._is_row(row):
                raise ValueError(f"no row of {self.path.name}: {row}")
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        data = text.encode("utf-8", "backslashreplace")
        try:
            self.path.parent.mkdir(parents=self._parents, exist_ok=True)
            new = not self.path.exists()
            with self.path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._append(file, data)
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise ImpastoError(f"{self.path} cannot be written: {error.strerror}") from None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields all rows, the oldest first. Incomplete or broken lines are skipped.

        Raises:
            ImpastoError: the log exists but cannot be read.
        """
        broken, torn = 0, b""
        try:
            with self.path.open("rb") as file:
                for line in file:
                    row = self._parsed(line)
                    if row is not None:
                        yield row
                    elif not line.strip():
                        continue
                    elif line.endswith(b"\n"):
                        broken += 1
                    else:
                        torn = line
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ImpastoError(f"{self.path} cannot be read: {error.strerror}") from None
        self.broken, self.torn = broken, torn

    def _append(self, file: BinaryIO, data: bytes) -> None:
        whole = self._end_of_last_row()
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

    def _parsed(self, line: bytes) -> dict[str, Any] | None:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return None
        return row if self._is_row(row) else None

    def _end_of_last_row(self) -> int:
        """Returns the size of the log without an incomplete last line. A row that lacks only its line break is complete."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            start, tail = size, b""
            while start and b"\n" not in tail:
                step = min(start, 1 << 16)
                start -= step
                file.seek(start)
                tail = file.read(step) + tail
        last = tail[tail.rfind(b"\n") + 1 :]
        return size if not last or self._parsed(last) is not None else size - len(last)


def _ends_a_line(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"
