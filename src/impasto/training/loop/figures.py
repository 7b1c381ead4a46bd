"""Logs a run's metrics: `losses.jsonl` with one JSON object per step, and the same metrics as TensorBoard event files."""

import json
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError
from impasto.files import write_atomically

if TYPE_CHECKING:
    from PIL import Image

LOSSES = "losses.jsonl"
LEARNING_RATE, PICTURES_PER_SECOND = "learning_rate", "pictures_per_second"
# Fields of a row; all other fields are losses and similar metrics. The clock fields differ between two runs of the same
# steps.
CLOCK = ("seconds", PICTURES_PER_SECOND)
NO_LOSSES = ("step", "share", LEARNING_RATE, *CLOCK)


def has_tensorboard() -> bool:
    """Returns whether TensorBoard's package is installed, without importing it."""
    return find_spec("tensorboard") is not None


class FigureLog:
    """The metrics log of a run. It drops the rows after the last state of a killed run, because those steps run again.

    Every flush writes `losses.jsonl` to disk. TensorBoard's files (`events.out.tfevents.*`) are only appended to. A
    resumed run begins a new one, which records from which step on the earlier files are void.
    """

    def __init__(self, run: Path | None, step: int, *, tensorboard: bool = False) -> None:
        """Opens the log of a run folder.

        With `run` None nothing is written. `step` is the last step that was done. `tensorboard` needs its package.
        """
        self.path = None if run is None else run / LOSSES
        self._lines: list[str] = []
        self._writer: Any = None
        if run is None or self.path is None:
            return
        if self.path.exists():
            _cut_off(self.path, step)
        if tensorboard:
            from torch.utils.tensorboard.writer import SummaryWriter

            self._writer = SummaryWriter(run, purge_step=step + 1)

    def add(self, step: int, figures: Mapping[str, float], sheet: "Image.Image | None" = None) -> None:
        """Adds the metrics of one step, and the sheet of validation pictures if there is one."""
        if self.path is None:
            return
        self._lines.append(json.dumps({"step": step, **figures}) + "\n")
        if self._writer is not None:
            for name, value in figures.items():
                if name not in ("seconds", "share"):
                    self._writer.add_scalar(_tag(name), value, step)
            if sheet is not None:
                import numpy as np

                self._writer.add_image("validation/pictures", np.asarray(sheet), step, dataformats="HWC")

    def flush(self) -> None:
        """Writes everything that was added to disk.

        Raises:
            ImpastoError: the write fails.
        """
        if self.path is None or not self._lines:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(self._lines))
                file.flush()
                os.fsync(file.fileno())
            if self._writer is not None:
                self._writer.flush()
        except OSError as error:
            raise ImpastoError(
                f"{self.path} cannot be written: {error.strerror}; the last state stays: give the same command again"
            ) from None
        self._lines.clear()

    def close(self) -> None:
        """Closes TensorBoard's file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _tag(name: str) -> str:
    """Turns error_0 into error/0, so that TensorBoard shows the bands of one metric side by side."""
    word, _, band = name.rpartition("_")
    return f"{word}/{band}" if band.isdecimal() else name


def _cut_off(path: Path, step: int) -> None:
    """Removes the rows of later steps and torn lines from the file."""
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError):
            continue
    write_atomically(path, "".join(kept).encode())
