"""How well a text and a picture belong together: one small interface, whatever model is behind it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image


class ImageEncoder(Protocol):
    """What turns pictures into vectors.

    Attributes:
        name: what is told to people, for instance "pocket-scorer" or "clip-vit-large-patch14".
        identity: a hash of the weights, on which caches of vectors depend.
        width: numbers in a vector.
    """

    name: str
    identity: str
    width: int

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Vectors float32 [n, width] of RGB pictures of any size."""
        ...


class TextImageScorer(ImageEncoder, Protocol):
    """A pair of encoders into one space; the similarity of a text and a picture is the product of their vectors, -1..1.

    `embed_images` gives unit vectors.

    Attributes:
        threshold: the similarity below which a pair counts as mismatched; CLIP's is 0.2 (wang2023, section 3.1).
    """

    threshold: float

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors float32 [n, width]."""
        ...


@runtime_checkable
class Projecting(Protocol):
    """A scorer whose vectors are cheap to make from another encoder's, which are the ones worth keeping in a cache."""

    features: ImageEncoder

    def project(self, features: np.ndarray) -> np.ndarray:
        """Vectors float32 [n, width] from those of `features`; a row of NaN stays one."""
        ...


POCKET = "pocket"


def load_scorer(name: str | Path | None = None) -> TextImageScorer:
    """The scorer that ships (`pocket`, or None), one that `impasto train pocket-scorer` wrote, or CLIP and its like.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such scorer, it is not whole, or a package is missing.
    """
    from impasto.vision.scorers.pocket import SHIPPED, TAGS, PocketScorer

    if name is None or str(name) == POCKET:
        return PocketScorer(SHIPPED)
    if (Path(name) / TAGS).is_file():
        return PocketScorer(Path(name))
    from impasto.vision.scorers.clip import ClipScorer

    return ClipScorer(str(name))
