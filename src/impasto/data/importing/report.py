"""Writes `import-report.jsonl`: one row with a reason for each picture that an import did not take or changed."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Literal

Decision = Literal["refused", "duplicate", "renamed", "made smaller", "remark", "not taken", "opted out"]


class ImportReport:
    """The report of one import. It keeps the rows of other sources, and replaces the old file once it is complete."""

    def __init__(self, path: Path, staging: Path, source: str) -> None:
        self._path = path
        self._part = staging / "report.part"
        self._source = source

    def __enter__(self) -> "ImportReport":
        self._file = self._part.open("w", encoding="utf-8", errors="backslashreplace")
        if self._path.is_file():
            with self._path.open(encoding="utf-8", errors="backslashreplace") as before:
                self._file.writelines(line for line in before if _source_of(line) != self._source)
        return self

    def add(self, picture: str, decision: Decision, reason: str) -> None:
        """Adds a row about one picture."""
        row = {"source": self._source, "picture": picture, "decision": decision, "reason": reason}
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if kind is None:
            self._part.replace(self._path)


def _source_of(line: str) -> str | None:
    try:
        return json.loads(line).get("source")
    except (ValueError, AttributeError):
        return None
