"""The validation of a ControlNet in training: its loss on held-out pictures with their maps, and a sheet of paintings."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.components import Components
from impasto.training.examples.control_maps import ControlMaps, as_hint
from impasto.training.examples.shown_validation import ShownValidation


class ControlValidation(ShownValidation):
    """The rows of its sheet are map, painting with it and without, picture."""

    def __init__(self, components: Components, run: Path, *, maps: ControlMaps, **shared: Any) -> None:
        """`maps` are those of the pictures; `shared` are the arguments of `ShownValidation`."""
        super().__init__(components, run, **shared)
        self._maps = maps

    def hint(self, number: int) -> torch.Tensor:
        """See `ShownValidation.hint`."""
        return as_hint(self._maps.batch(np.array([number])))

    def row(self, number: int, painted: list[Image.Image]) -> list[Image.Image]:
        """See `ShownValidation.row`."""
        own = [store.batch(np.array([number]))[0] for store in (self._maps, self._maps.pixels)]
        return [Image.fromarray(own[0]), *painted, Image.fromarray(own[1])]
