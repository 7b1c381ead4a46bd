"""A folder of picture pairs with instructions: a catalogue of the edited pictures, whose metadata names those before.

    instructions.json     the manifest: the settings that decide which pairs are made
    metadata.jsonl        a row for each pair: file_name, input_file_name, text, and how it was made
    refused.jsonl         a row for each attempt that was refused, with the reason
    input/  edited/       the pictures
"""

import contextlib
import fcntl
import json
from collections import Counter
from pathlib import Path
from typing import Any, Self

from impasto.data.caches.row_log import RowLog
from impasto.errors import ImpastoError, UsageError
from impasto.files import write_atomically

MANIFEST, METADATA, REFUSED = "instructions.json", "metadata.jsonl", "refused.jsonl"
BEFORE, AFTER = "input", "edited"
_FORMAT = 1


class InstructionPairs:
    """The folder, locked for one process. Attempts are numbered from 0; each ends as a pair or as a refusal.

    Attributes:
        folder: where it is.
        kept: number of pairs.
        refused: reason -> how many attempts were refused for it.
        next: the number of the next attempt.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """Creates the folder, or opens it to go on.

        Args:
            settings: what decides which pairs are made, JSON values.

        Raises:
            UsageError: it holds other files, or pairs of other settings; another process writes to it.
            ImpastoError: it cannot be read or written.
        """
        self.folder = folder
        self._pairs = RowLog(folder / METADATA, _is_row)
        self._refusals = RowLog(folder / REFUSED, _is_row)
        try:
            self._begin(settings)
        except OSError as error:
            raise ImpastoError(f"{folder} cannot be written: {error.strerror or error}") from None
        numbers = [row["number"] for row in self._pairs.rows()]
        refusals = list(self._refusals.rows())
        self.kept, self.refused = len(numbers), Counter(str(row.get("reason", "")) for row in refusals)
        self.next = max([*numbers, *(row["number"] for row in refusals)], default=-1) + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _begin(self, settings: dict[str, Any]) -> None:
        manifest = self.folder / MANIFEST
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{self.folder} is a file: name a folder")
        if self.folder.is_dir() and not manifest.is_file() and any(self.folder.iterdir()):
            raise UsageError(f"{self.folder} holds other files: name a new folder for the pairs")
        for name in (BEFORE, AFTER):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        wanted = {"format": _FORMAT, **settings}
        if not manifest.is_file():
            write_atomically(manifest, json.dumps(wanted, ensure_ascii=False, indent=1).encode())
        self._lock = manifest.open("rb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(f"{self.folder}: another process makes pairs here") from None
        with contextlib.ExitStack() as stack:
            stack.callback(self._lock.close)
            found = _read(self._lock.read(), manifest)
            for name, value in wanted.items():
                if found.get(name) != value:
                    raise UsageError(
                        f"{self.folder} was begun with {name} {found.get(name)!r}, not {value!r}: name a new folder, or the "
                        "same settings"
                    )
            stack.pop_all()

    def files(self, number: int) -> tuple[Path, Path]:
        """Returns where the pictures of an attempt go: before and after."""
        return self.folder / BEFORE / f"{number:06d}.png", self.folder / AFTER / f"{number:06d}.png"

    def keep(self, number: int, row: dict[str, Any]) -> None:
        """Adds a pair, whose pictures are on disk.

        Raises:
            ImpastoError: the metadata cannot be written.
        """
        names = {"file_name": f"{AFTER}/{number:06d}.png", "input_file_name": f"{BEFORE}/{number:06d}.png"}
        self._pairs.append([{**names, **row, "number": number}])
        self.kept, self.next = self.kept + 1, number + 1

    def refuse(self, number: int, reason: str, row: dict[str, Any]) -> None:
        """Notes that an attempt gave no pair.

        Raises:
            ImpastoError: the log cannot be written.
        """
        self._refusals.append([{**row, "reason": reason, "number": number}])
        self.refused[reason] += 1
        self.next = number + 1


def _read(data: bytes, manifest: Path) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ImpastoError(f"{manifest} is broken: name a new folder")
    return found


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("number"), int) and not isinstance(row["number"], bool)
