"""Reads the status of training runs from their files, without torch: progress, losses, saved states and output."""

import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, UsageError
from impasto.training.loop.figures import LOSSES, NO_LOSSES
from impasto.training.runs.folder import REPORT, RunFolder, Status
from impasto.training.runs.record import RECORD, RunRecord, read_record

_TAIL = 1 << 16  # bytes at the end of the file: the losses of many steps
_ENDLESS = 1e12  # more seconds than any training takes


@dataclass(frozen=True)
class _Row:
    """A line of `losses.jsonl`."""

    step: int = 0
    seconds: float = 0.0
    share: float | None = None
    losses: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """The status of a run.

    Attributes:
        record: the record it was begun with; None if unknown.
        step: the last step in its losses; 0 before the first.
        share: the share of the whole training that is done, 0 to 1; None if it was not written.
        losses: the losses of that step, by name; "loss", or else the first, is the one that is trained on.
        seconds: time spent training, summed over all starts.
        changed: when the run last wrote something, POSIX seconds.
    """

    path: Path
    record: RunRecord | None
    status: Status
    step: int
    share: float | None
    losses: dict[str, float]
    seconds: float
    changed: float

    @property
    def recipe(self) -> str:
        """The recipe's name, or "recipe unknown"."""
        return self.record.recipe if self.record is not None else "recipe unknown"

    @property
    def loss(self) -> float | None:
        """The last loss; None before the first step."""
        return self.losses.get("loss", next(iter(self.losses.values()), None))


def list_runs(folder: Path) -> list[RunInfo]:
    """Returns the runs directly inside `folder`, the latest first; skips what is no run or cannot be read.

    Raises:
        UsageError: there is no such folder. ImpastoError: it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise ImpastoError(f"{folder} cannot be read: {error.strerror}") from None
    found: list[RunInfo] = []
    for path in inside:
        try:
            if _is_run(path):
                found.append(_read(path))
        except (OSError, ImpastoError):
            continue
    return sorted(found, key=lambda info: -info.changed)


def read_run(path: Path) -> RunInfo:
    """Returns the status of the run in `path`.

    Raises:
        UsageError: it is no run's folder. ImpastoError: it cannot be read.
    """
    try:
        if not _is_run(path):
            raise UsageError(f"{path} is no run: it holds neither {RECORD} nor {LOSSES}")
        return _read(path)
    except OSError as error:
        raise ImpastoError(f"{path} cannot be read: {error.strerror}") from None


def _is_run(path: Path) -> bool:
    return path.is_dir() and any((path / name).is_file() for name in (RECORD, LOSSES))


def _read(path: Path) -> RunInfo:
    try:
        record = read_record(path)
    except ImpastoError:  # torn, or not a record of a run
        record = None
    folder = RunFolder(path)
    status = folder.status
    row = _last_row(path / LOSSES)
    times = [file.stat().st_mtime for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    return RunInfo(
        path=path,
        record=record,
        status=status,
        step=row.step,
        share=1.0 if folder.is_complete else row.share,
        losses=row.losses,
        seconds=row.seconds,
        changed=max(times, default=path.stat().st_mtime),
    )


def _last_row(path: Path) -> _Row:
    """Returns the last whole row of a run's losses; a row of step 0 if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return _Row()
    return next((row for line in reversed(lines) if (row := _parsed(line)) is not None), _Row())


def _parsed(line: bytes) -> _Row | None:
    """Parses a row of losses; returns None if it is torn or no such row. Losses that are not finite are left out."""
    try:
        content = json.loads(line)
        step, seconds = int(content["step"]), float(content.get("seconds", 0.0))
        share = float(content["share"]) if "share" in content else None
        losses = {name: float(value) for name, value in content.items() if name not in NO_LOSSES}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    if step < 0 or not 0 <= seconds < _ENDLESS:
        return None
    if share is not None and not 0 <= share <= 1:
        return None
    return _Row(step, seconds, share, {name: value for name, value in losses.items() if math.isfinite(value)})


@dataclass(frozen=True)
class LossCourse:
    """The course of one loss as means over equal parts of the run: the first, the last and the lowest mean."""

    name: str
    parts: tuple[float, ...]

    @property
    def first(self) -> float:
        return self.parts[0]

    @property
    def last(self) -> float:
        return self.parts[-1]

    @property
    def lowest(self) -> float:
        return min(self.parts)


def loss_courses(path: Path, parts: int = 40) -> list[LossCourse]:
    """Returns the courses of all losses of the run in `path`, in at most `parts` parts; skips torn and foreign rows."""
    values: dict[str, list[float]] = {}
    try:
        with (path / LOSSES).open("rb") as file:
            for line in file:
                row = _parsed(line)
                for name, value in row.losses.items() if row is not None else ():
                    values.setdefault(name, []).append(value)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ImpastoError(f"{path / LOSSES} cannot be read: {error.strerror}") from None
    return [LossCourse(name, _means(numbers, parts)) for name, numbers in values.items()]


def _means(numbers: list[float], parts: int) -> tuple[float, ...]:
    count = min(parts, len(numbers))
    edges = [len(numbers) * n // count for n in range(count + 1)]
    return tuple(math.fsum(numbers[a:b]) / (b - a) for a, b in pairwise(edges))


def kept_states(path: Path) -> list[tuple[str, int]]:
    """Returns (name, bytes) of a run's states, the newest first, then of its best state."""
    states = [*sorted(path.glob("state-*.pt"), reverse=True), *path.glob("best.pt")]
    return [(file.name, file.stat().st_size) for file in states if file.is_file()]


def made_folders(path: Path) -> list[tuple[str, int]]:
    """Returns (name, bytes) of a run's output: the folders inside its own."""
    folders = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    return [(f.name, sum(file.stat().st_size for file in f.rglob("*") if file.is_file())) for f in folders]


def read_report(path: Path) -> dict[str, Any]:
    """Returns the report of a complete run; empty if there is no readable one."""
    try:
        report = json.loads((path / REPORT).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}
