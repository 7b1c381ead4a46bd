"""Training states on disk: written whole or not at all, and found again after a kill at any instruction."""

import os
import re
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError
from impasto.files import sync_folder

_NAME = re.compile(r"state-(\d{9})\.pt")


def save_state(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Writes `state-<step>.pt`; the older states go only after the new one is whole on disk."""
    path = folder / f"state-{step:09d}.pt"
    temporary = folder / f".{path.name}.{os.getpid()}.part"
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(folder)
    for older in folder.glob("state-*.pt"):
        if older != path:
            older.unlink(missing_ok=True)
    for leftover in folder.glob(".state-*.part"):
        leftover.unlink(missing_ok=True)
    return path


def load_newest_state(folder: Path) -> dict[str, Any] | None:
    """The newest state of a run folder, or None where there is none yet. No code runs out of it (weights only).

    Raises:
        ImpastoError: states are there, but none can be read.
    """
    paths = sorted((p for p in folder.glob("state-*.pt") if _NAME.fullmatch(p.name)), reverse=True)
    for path in paths:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, ValueError, KeyError):
            continue
        except Exception as error:  # a pickle that asks for more than weights
            raise ImpastoError(f"{path} holds more than weights and is refused: {error}".splitlines()[0]) from None
    if paths:
        raise ImpastoError(f"no state in {folder} can be read: remove its state-*.pt files to begin again")
    return None
