"""What a run tells of itself: `losses.jsonl`, one object a step, and the same figures as TensorBoard reads them."""

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
# Of a row; the other fields are losses and the like. Those of the clock differ between two runs of the same steps.
CLOCK = ("seconds", PICTURES_PER_SECOND)
NO_LOSSES = ("step", "share", LEARNING_RATE, *CLOCK)


def has_tensorboard() -> bool:
    """Whether TensorBoard's package is installed; it is not imported."""
    return find_spec("tensorboard") is not None


class FigureLog:
    """A run's figures, step by step. What a killed run told after its last state is cut off: those steps come again.

    `losses.jsonl` is on disk with every flush. TensorBoard's files (`events.out.tfevents.*`) are only appended to, and a
    resumed run begins a new one, which says from which step on those before are void.
    """

    def __init__(self, run: Path | None, step: int, *, tensorboard: bool = False) -> None:
        """`run` None: nothing is written. `step`: the last one that was done. `tensorboard` needs its package."""
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
        """One step's figures, and the validation's pictures where it had one."""
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
        """All that was added is on disk then.

        Raises:
            ImpastoError: the disk refuses.
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
        """Ends TensorBoard's file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _tag(name: str) -> str:
    """error_0 -> error/0: TensorBoard shows the bands of one figure side by side."""
    word, _, band = name.rpartition("_")
    return f"{word}/{band}" if band.isdecimal() else name


def _cut_off(path: Path, step: int) -> None:
    """Takes away what the file tells of later steps, and torn lines."""
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError):
            continue
    write_atomically(path, "".join(kept).encode())
