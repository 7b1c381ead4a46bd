"""The validation of a U-Net that learns instructions: its loss on held-out pairs, and a sheet of edited pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.components import Components
from impasto.data.caches.pixels import Pixels, prepare_pixels
from impasto.data.catalogue.entry import CatalogueEntry
from impasto.settings import cache_folder
from impasto.training.examples.instruct_pairs import InstructPairs, picture_before
from impasto.training.examples.shown_validation import ShownValidation


class InstructValidation(ShownValidation):
    """The rows of its sheet are picture, picture as instructed, painting of the instruction alone, edited picture.

    They are painted with text guidance 5 and image guidance 1.
    """

    def __init__(self, components: Components, run: Path, *, pairs: InstructPairs, size: int, **shared: Any) -> None:
        """`pairs` are the held-out ones; `shared` are the other arguments of `ShownValidation`."""
        super().__init__(components, run, data=pairs.edited, size=size, **shared)
        self._inputs = pairs.inputs
        befores = [before for entry in pairs.edited.entries if (before := picture_before(entry)) is not None]
        self._pixels = [_pixels(entries, size) for entries in (befores, pairs.edited.entries)]

    def hint(self, number: int) -> torch.Tensor:
        """See `ShownValidation.hint`."""
        return torch.from_numpy(self._inputs[number])[None]

    def row(self, number: int, painted: list[Image.Image]) -> list[Image.Image]:
        """See `ShownValidation.row`."""
        before, edited = (Image.fromarray(pixels.batch(np.array([number]))[0]) for pixels in self._pixels)
        return [before, *painted, edited]


def _pixels(entries: list[CatalogueEntry], size: int) -> Pixels:
    return prepare_pixels(entries, size, cache_folder())[0]
