"""The validation of a ControlNet in training: its loss on held-out pictures with their maps, and a sheet of paintings."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.components import Components
from impasto.data.caches.latents import TextStates
from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.training.examples.control_maps import ControlMaps, as_hint
from impasto.training.examples.training_set import TrainingSet
from impasto.training.examples.validation import FOLDER, SEED, validation_errors
from impasto.training.examples.validation_pictures import paint_sheet
from impasto.training.loop.loop import VALIDATION


class ControlValidation:
    """Losses with the maps and without, and `validation/step-<step>.png`: map, painting with it and without, picture."""

    def __init__(
        self, components: Components, run: Path, *, every: int, data: TrainingSet, states: TextStates, maps: ControlMaps,
        pictures: int, size: int,
    ) -> None:  # fmt: skip
        """Sets up the validation on the held-out `data`; `pictures` of them are painted."""
        self.components, self.every, self._folder = components, every, run / FOLDER
        self._data, self._states, self._maps, self._size = data, states, maps, size
        self._shown = np.linspace(0, len(data.entries) - 1, min(pictures, len(data.entries))).astype(int)

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
            for name, shown in (("", self._hint(number)), ("_without", None)):
                joined.shown = shown
                errors[name].append(float(np.mean(validation_errors(self.components, one, self._states))))
        figures = {f"{VALIDATION}{name}": float(np.mean(found)) for name, found in errors.items()}
        rows = [self._row(int(number), joined) for number in self._shown]
        joined.shown = None
        joined.train(was)
        sheet = _stacked(rows) if rows else None
        if sheet is not None:
            self._write(step, sheet)
        return figures, sheet

    def _one(self, number: int) -> TrainingSet:
        data, part = self._data, slice(number, number + 1)
        return TrainingSet(data.entries[part], [data.mean[number]], [data.deviation[number]], data.texts[part])

    def _hint(self, number: int) -> torch.Tensor:
        return as_hint(self._maps.batch(np.array([number])))

    def _row(self, number: int, joined: Any) -> list[Image.Image]:
        painted = []
        for shown in (self._hint(number), None):
            joined.shown = shown
            painted.append(
                paint_sheet(self.components, lambda texts: torch.from_numpy(self._states.states(texts)),
                            self._data.texts[number][:1], self._size, SEED + number)
            )  # fmt: skip
        own = [store.batch(np.array([number]))[0] for store in (self._maps, self._maps.pixels)]
        return [Image.fromarray(own[0]), *painted, Image.fromarray(own[1])]

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
