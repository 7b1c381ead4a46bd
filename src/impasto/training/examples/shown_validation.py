"""The validation of a U-Net that is shown a picture: its loss on held-out pictures with it and without, and a sheet."""

import io
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.training.examples.training_set import TrainingSet
from impasto.training.examples.validation import FOLDER, SEED, validation_errors
from impasto.training.examples.validation_pictures import paint_sheet
from impasto.training.loop.loop import VALIDATION


class ShownValidation(ABC):
    """Losses with what is shown and without, and `validation/step-<step>.png`, a row for each picture.

    The U-Net of `components` has an attribute `shown`, which is None for nothing.
    """

    def __init__(
        self, components: Components, run: Path, *, every: int, data: TrainingSet, states: TextStates, pictures: int,
        size: int,
    ) -> None:  # fmt: skip
        """Sets up the validation on the held-out `data`; `pictures` of them are painted."""
        self.components, self.every, self._folder = components, every, run / FOLDER
        self._data, self._states, self._size = data, states, size
        self._painted = np.linspace(0, len(data.entries) - 1, min(pictures, len(data.entries))).astype(int)

    @abstractmethod
    def hint(self, number: int) -> torch.Tensor:
        """Returns what the U-Net is shown for a picture."""

    @abstractmethod
    def row(self, number: int, painted: list[Image.Image]) -> list[Image.Image]:
        """Returns a picture's row of the sheet; `painted` are those with what is shown and without."""

    def __call__(self, step: int) -> tuple[dict[str, float], Image.Image | None]:
        """Returns the losses after `step` steps, and the sheet, which it also writes to disk.

        Raises:
            ImpastoError: the sheet cannot be written.
        """
        joined: Any = self.components.unet
        was = joined.training
        joined.eval()
        errors = {"": [], "_without": []}
        for number in range(len(self._data.entries)):
            one = self._one(number)
            for name, shown in (("", self.hint(number)), ("_without", None)):
                joined.shown = shown
                errors[name].append(float(np.mean(validation_errors(self.components, one, self._states))))
        figures = {f"{VALIDATION}{name}": float(np.mean(found)) for name, found in errors.items()}
        rows = [self.row(int(number), self._both(int(number), joined)) for number in self._painted]
        joined.shown = None
        joined.train(was)
        sheet = _stacked(rows) if rows else None
        if sheet is not None:
            self._write(step, sheet)
        return figures, sheet

    def _one(self, number: int) -> TrainingSet:
        data, part = self._data, slice(number, number + 1)
        return TrainingSet(data.entries[part], [data.mean[number]], [data.deviation[number]], data.texts[part])

    def _both(self, number: int, joined: Any) -> list[Image.Image]:
        painted = []
        for shown in (self.hint(number), None):
            joined.shown = shown
            painted.append(
                paint_sheet(self.components, lambda texts: torch.from_numpy(self._states.states(texts)),
                            self._data.texts[number][:1], self._size, SEED + number)
            )  # fmt: skip
        return painted

    def _write(self, step: int, sheet: Image.Image) -> None:
        file = io.BytesIO()
        sheet.save(file, "PNG")
        path = self._folder / f"step-{step:09d}.png"
        try:
            self._folder.mkdir(exist_ok=True)
            write_atomically(path, file.getvalue())
        except OSError as error:
            raise ImpastoError(f"{path} cannot be written: {error.strerror}; give the same command again") from None


def _stacked(rows: list[list[Image.Image]]) -> Image.Image:
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * len(rows[0]), height * len(rows)))
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            sheet.paste(picture, (across * width, down * height))
    return sheet
