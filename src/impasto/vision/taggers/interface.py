"""The interface of taggers, which assign words of a fixed vocabulary to a picture."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Literal, Protocol, TypeGuard

import numpy as np
from PIL import Image

from impasto.vision.scorers.interface import ImageEncoder


class Tagger(Protocol):
    """A model that estimates the probability of each tag of a vocabulary for a picture.

    Attributes:
        name: the name shown to users.
        identity: a hash of weights and vocabulary, used in the keys of caches of probabilities.
        tags: the vocabulary, each tag once.
        thresholds: the lowest probability at which each tag is given, float32 [tags]; None if all tags share one.
    """

    name: str
    identity: str
    tags: tuple[str, ...]
    thresholds: np.ndarray | None

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)], 0..1, of RGB pictures of any size.

        They are calibrated: of the tags with a probability of 0.8, four in five are right.
        """
        ...


class EncodingTagger(Tagger, Protocol):
    """A tagger whose only input is an encoder's vectors of pictures, which a cache can keep."""

    encoder: ImageEncoder

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """Returns probabilities float32 [n, tags] from vectors [n, encoder.width]; a row of NaN stays NaN."""
        ...


def is_encoding(tagger: Tagger) -> TypeGuard[EncodingTagger]:
    """Returns whether the tagger works on an encoder's vectors, which can be cached."""
    return hasattr(tagger, "encoder")


class ProbabilityEncoder:
    """An `ImageEncoder` whose vectors are a tagger's own probabilities, so that a cache keeps them.

    So a large model sees each picture once, for tags and for captions.

    Attributes:
        stored_as: the type that a cache keeps: half precision suffices, and a row of RAM then has 9 kB.
    """

    stored_as: Literal["float16"] = "float16"

    def __init__(self, tagger: Tagger, probabilities: Callable[[list[Image.Image]], np.ndarray], batch: int) -> None:
        """`probabilities` returns those of at most `batch` pictures, float32 [n, len(tagger.tags)]."""
        self.name, self.width = tagger.name, len(tagger.tags)
        # Not the tagger's own: another encoder may work with the same file.
        self.identity = hashlib.sha256(f"{tagger.identity}/probabilities".encode()).hexdigest()
        self._probabilities, self._batch = probabilities, batch

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, width] of pictures of any size."""
        stream, parts = iter(images), [np.zeros((0, self.width), np.float32)]
        while group := list(islice(stream, self._batch)):
            parts.append(self._probabilities(group))
        return np.concatenate(parts)
