"""RAM, RAM++ and Tag2Text as taggers. wang2023 (section 4.1) tags with RAM."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from impasto.vision.recognize_anything.model import RecognizeAnything
from impasto.vision.scorers.interface import ImageEncoder
from impasto.vision.taggers.interface import ProbabilityEncoder


class RecognizeAnythingTagger:
    """An `EncodingTagger` from a published file, with the authors' threshold for each tag.

    Its probabilities rank the tags, they are not calibrated: the training loss (Ridnik et al. 2021) makes them too high for
    tags that a picture does not show, which the thresholds around 0.65 allow for.

    Attributes:
        name, identity, tags, thresholds, encoder: see `EncodingTagger`. Tags that the list names twice are one, with the
            higher probability. The encoder's vectors are the probabilities.
    """

    def __init__(self, model: RecognizeAnything) -> None:
        self._model = model
        self.name, self.identity = model.name, model.identity
        self.tags = tuple(dict.fromkeys(model.tags))
        places = {tag: n for n, tag in enumerate(self.tags)}
        self._places = np.array([places[tag] for tag in model.tags])
        lowest = np.ones(len(self.tags), np.float32)
        np.minimum.at(lowest, self._places, model.thresholds)
        self.thresholds: np.ndarray | None = lowest
        self.encoder: ImageEncoder = ProbabilityEncoder(self, self._of_pictures, batch=1)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)], 0..1, of pictures of any size; each is seen by itself."""
        return self.encoder.embed_images(images)

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the encoder's vectors, which are the probabilities, as float32 [n, tags]; a row of NaN stays NaN."""
        return vectors.astype(np.float32)

    def _of_pictures(self, images: Sequence[Image.Image]) -> np.ndarray:
        found = np.zeros((len(images), len(self.tags)), np.float32)
        for row, image in zip(found, images, strict=True):
            np.maximum.at(row, self._places, self._model.probabilities(image))
        return found
