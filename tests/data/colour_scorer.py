"""A scorer whose space is colour: "a red sun" belongs to what is red."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from impasto.errors import ImpastoError

COLOURS = ("red", "green", "blue")


class ColourScorer:
    """Embeds pictures by their mean colour and texts by the colours they name; counts what it is given."""

    name = "colour"
    width = 3
    threshold = 0.5

    def __init__(self, identity: str = "c" * 64, stop_after: int | None = None) -> None:
        self.identity = identity
        self.pictures = 0
        self.texts: list[str] = []
        self._stop_after = stop_after

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        found = []
        for image in images:
            if self.pictures == self._stop_after:
                raise ImpastoError("stopped")
            self.pictures += 1
            found.append(np.asarray(image, np.float32).mean((0, 1)) + 1e-6)
        return _unit(np.stack(found))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return _unit(np.array([[float(colour in text) + 1e-6 for colour in COLOURS] for text in texts], np.float32))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
