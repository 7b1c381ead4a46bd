"""Appends rows to `metadata.jsonl`: complete rows are never changed, an incomplete last line is cut."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from impasto.files import sync_folder


class MetadataLog:
    """The `metadata.jsonl` of one catalogue, for a single writer."""

    def __init__(self, catalogue: Path) -> None:
        """Cuts an incomplete last line, which a killed writer may have left."""
        self.path = Path(catalogue) / "metadata.jsonl"
        if not self.path.is_file():
            return
        with self.path.open("r+b") as file:
            whole, torn = 0, b""
            for line in file:
                if line.endswith(b"\n"):
                    whole += len(line)
                else:
                    torn = line
            if _is_row(torn):  # the last row of another program, which lacks only its line break
                file.write(b"\n")
            elif torn:
                file.truncate(whole)

    def file_names(self) -> Iterator[str]:
        """Yields the `file_name` of every row. Lines that are not rows are skipped."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                for line in file:
                    try:
                        row = json.loads(line)
                    except (ValueError, RecursionError):
                        continue
                    if isinstance(row, dict) and isinstance(row.get("file_name"), str):
                        yield row["file_name"]

    def append(self, rows: Sequence[dict[str, Any]]) -> None:
        """Appends rows in one write, and returns when they are on disk.

        Raises:
            OSError: the rows cannot be written; the log is unchanged.
        """
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "backslashreplace")
        new = not self.path.exists()
        with self.path.open("ab") as file:
            before = file.tell()
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, before)
                raise
        if new:
            sync_folder(self.path.parent)


def _is_row(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
