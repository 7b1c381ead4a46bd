"""Saves and loads training states, so that a run can be resumed after a kill at any instruction; writes are atomic."""

import errno
import json
import math
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch

from impasto.errors import ImpastoError, UsageError
from impasto.files import sync_folder, write_atomically

BEST = "best.pt"
_NAME = re.compile(r"state-(\d{9})\.pt")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def save_state(folder: Path, step: int, state: dict[str, Any], keep: int = 1) -> Path:
    """Writes `state-<step>.pt` and keeps the newest `keep`; deletes an older one only when the new one is whole on disk.

    Raises:
        UsageError: `keep` is less than 1.
        ImpastoError: there is no space left, or the write fails; the earlier states stay.
    """
    if keep < 1:
        raise UsageError(f"keep {keep}: use 1 or more states")
    path = folder / f"state-{step:09d}.pt"
    _write_whole(path, state)
    others = sorted(other for other in _states(folder) if other != path)
    earlier = [other for other in others if other < path]
    kept = earlier[-(keep - 1) :] if keep > 1 else []
    for other in others:
        if other not in kept:  # a later one could not be read, or the run would not be here
            other.unlink(missing_ok=True)
    return path


def save_best(folder: Path, state: dict[str, Any], measure: float) -> bool:
    """Writes `best.pt` if `measure` (lower is better) is below that of the existing one; returns whether it was.

    `best.json` holds the measure, and the step if the state contains it. A measure that is not finite is never the best.

    Raises:
        ImpastoError: there is no space left, or the write fails; the previous best stays.
    """
    path = folder / BEST
    known = _read_state(path, mapped=True) if path.exists() else None
    if not math.isfinite(measure) or (known is not None and measure >= known.get("measure", math.inf)):
        return False
    _write_whole(path, {**state, "measure": float(measure)})
    told = {"measure": float(measure), "step": state.get("step")}
    write_atomically(path.with_suffix(".json"), json.dumps(told).encode())
    return True


def load_best(folder: Path) -> dict[str, Any] | None:
    """Returns what `save_best` wrote, with its `measure`; None if there is no readable one."""
    return _read_state(folder / BEST)


def load_newest_state(folder: Path) -> dict[str, Any] | None:
    """Returns the newest whole state of a run folder, or None if there is none yet. Runs no code from it (weights only).

    Raises:
        ImpastoError: states exist, but none can be read; or one holds more than weights.
    """
    paths = sorted(_states(folder), reverse=True)
    for path in paths:
        state = _read_state(path)
        if state is not None:
            return state
    if paths:
        raise ImpastoError(f"no state in {folder} can be read: remove its state-*.pt files to begin again")
    return None


def _states(folder: Path) -> list[Path]:
    return [path for path in folder.glob("state-*.pt") if _NAME.fullmatch(path.name)]


def _read_state(path: Path, *, mapped: bool = False) -> dict[str, Any] | None:
    """Returns a state, or None if it is not whole. `mapped`: weights are read only when used, and not checked."""
    try:
        if not mapped:
            with zipfile.ZipFile(path) as archive:  # torch does not verify the checksums
                if archive.testzip() is not None:
                    return None
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    except Exception as error:  # a pickle that contains more than weights
        raise ImpastoError(f"{path} holds more than weights and is refused: {error}".splitlines()[0]) from None


class _Sink:
    """A file wrapper that remembers the disk's error: torch raises an error of its own about the position in the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        self.file.flush()


def _write_whole(path: Path, state: dict[str, Any]) -> None:
    for leftover in path.parent.glob(".*.pt.*.part"):  # left by a killed process; they would fill the disk
        leftover.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    sink = None
    try:
        with temporary.open("wb") as file:
            sink = _Sink(file)
            torch.save(state, sink)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        refusal = error if isinstance(error, OSError) else sink.error if sink is not None else None
        if refusal is None:
            raise
        raise ImpastoError(_refusal(path, state, refusal)) from None


def _refusal(path: Path, state: dict[str, Any], error: OSError) -> str:
    if error.errno not in _FULL:
        return f"{path} cannot be written: {error.strerror}"
    kept = sorted(_states(path.parent))
    stays = f"the last one, {kept[-1].name}, stays" if kept else "there is none before it"
    needed = sum({s.data_ptr(): s.nbytes() for s in map(torch.Tensor.untyped_storage, _tensors(state))}.values())
    free = shutil.disk_usage(path.parent).free
    return (
        f"no space for {path}: it needs {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free; {stays}: "
        "make room and give the same command again"
    )


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)
