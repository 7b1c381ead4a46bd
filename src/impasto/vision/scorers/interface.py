"""Interfaces of image encoders and text-image scorers, which measure the similarity of a text and a picture."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch

    from impasto.vision.scorers.pocket import ScorerConfig


class ImageEncoder(Protocol):
    """A model that converts pictures to embeddings.

    It may have a method `prepare(image)`, which returns the smaller picture that `embed_images` makes of one first; callers
    run it in threads, beside the network. And a method `expect(pictures)`, which is told how many are to come.

    Attributes:
        name: the name shown to users, for instance "pocket-scorer" or "clip-vit-large-patch14".
        identity: a hash of the weights, used in the keys of embedding caches.
        width: dimension of an embedding.
    """

    name: str
    identity: str
    width: int

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns embeddings float32 [n, width] of RGB pictures of any size."""
        ...


class TextImageScorer(ImageEncoder, Protocol):
    """A pair of encoders into one embedding space. The similarity of a text and a picture is their dot product, -1..1.

    `embed_images` returns unit vectors.

    Attributes:
        threshold: the similarity below which a pair counts as mismatched; CLIP's is 0.2 (wang2023, section 4.1).
    """

    threshold: float

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns unit vectors float32 [n, width]."""
        ...


@runtime_checkable
class DifferentiableScorer(TextImageScorer, Protocol):
    """A scorer whose similarity has gradients with respect to the pixels, for guided sampling.

    Attributes:
        side: side in px of the squares that it sees.
    """

    side: int

    def embed_pixels(self, pixels: "torch.Tensor") -> "torch.Tensor":
        """Returns unit vectors float32 [n, width] of squares [n, 3, side, side] in 0 .. 1, with gradients."""
        ...


@runtime_checkable
class Projecting(Protocol):
    """A scorer that computes its embeddings cheaply from another encoder's features; a cache should keep the features."""

    features: ImageEncoder

    def project(self, features: np.ndarray) -> np.ndarray:
        """Returns embeddings float32 [n, width] from the vectors of `features`; a row of NaN stays NaN."""
        ...


@runtime_checkable
class Calibrated(Protocol):
    """A scorer whose similarities with tags were calibrated: a tag's logit is `config.slope` * similarity + its offset.

    Attributes:
        config: with `slope`, and `offset` for tags that it was not calibrated for.
        offsets: of the others, by tag.
    """

    config: "ScorerConfig"
    offsets: dict[str, float]


def expect_pictures(encoder: ImageEncoder, count: int) -> None:
    """Tells an encoder that so many pictures are to come, so that it may choose what sees them fastest."""
    inner = getattr(encoder, "features", encoder)
    expect = getattr(inner, "expect", None)
    if expect is not None:
        expect(count)


POCKET = "pocket"


def check_scorer(name: str | Path | None = None) -> None:
    """Finds a scorer's files without loading them, so that a long job can check them first.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_scorer`.
    """
    from impasto.vision.scorers.pocket import TAGS

    if name is None or str(name) == POCKET or (Path(name) / TAGS).is_file():
        return
    from impasto.vision.scorers.clip import find_clip

    find_clip(str(name))


def scorer_identity(name: str | Path | None = None) -> str:
    """Returns the `identity` of a scorer without loading it.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_scorer`.
    """
    from impasto.vision.scorers.pocket import SHIPPED, TAGS, identity_of

    if name is None or str(name) == POCKET:
        return identity_of(SHIPPED)
    if (Path(name) / TAGS).is_file():
        return identity_of(Path(name))
    from impasto.vision.scorers.clip import find_clip

    return find_clip(str(name)).identity


def load_scorer(name: str | Path | None = None) -> TextImageScorer:
    """Loads the built-in scorer (`pocket`, or None), one that `impasto train pocket-scorer` wrote, or CLIP or similar.

    Raises:
        UsageError, MissingPart, ImpastoError: there is no such scorer, it is incomplete, or a package is missing.
    """
    from impasto.vision.scorers.pocket import SHIPPED, TAGS, PocketScorer

    if name is None or str(name) == POCKET:
        return PocketScorer(SHIPPED)
    if (Path(name) / TAGS).is_file():
        return PocketScorer(Path(name))
    from impasto.vision.scorers.clip import ClipScorer

    return ClipScorer(str(name))
