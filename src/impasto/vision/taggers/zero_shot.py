"""A zero-shot tagger: a scorer compares the picture with every tag's name (Radford et al. 2021, section 3.1)."""

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from impasto.vision.scorers.interface import Calibrated, ImageEncoder, TextImageScorer

# For a scorer that is not calibrated (CLIP's logits are 100 times the cosine): a tag has probability 0.5 where its
# similarity equals the scorer's threshold for a pair, and less below it.
_CLIP_SLOPE = 100.0


class ZeroShotTagger:
    """A `Tagger` from a scorer and a vocabulary: probability = sigmoid(slope * similarity + the tag's offset).

    The slope and offsets of the pocket scorer were calibrated, per tag, on held-out paintings. A tag that it was not
    calibrated for has the median offset. With another scorer the probabilities only rank the tags; they are not calibrated.

    Attributes:
        name, identity, tags, thresholds, encoder: see `EncodingTagger`; the encoder is the scorer.
    """

    thresholds: np.ndarray | None = None

    def __init__(self, scorer: TextImageScorer, tags: Sequence[str]) -> None:
        self.tags = tuple(tags)
        self.encoder: ImageEncoder = scorer
        self._scorer = scorer
        self.name = f"{scorer.name}, zero-shot"
        self.identity = hashlib.sha256("\n".join([scorer.identity, *self.tags]).encode()).hexdigest()
        if isinstance(scorer, Calibrated):
            self._slope = scorer.config.slope
            self._offsets = np.array([scorer.offsets.get(tag, scorer.config.offset) for tag in self.tags], np.float32)
        else:
            self._slope = _CLIP_SLOPE
            self._offsets = np.full(len(self.tags), -_CLIP_SLOPE * scorer.threshold, np.float32)
        self._vectors: np.ndarray | None = None

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)], 0..1, of RGB pictures of any size."""
        return self.probabilities_of(self.encoder.embed_images(images))

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)] from pictures' vectors [n, width]; a row of NaN stays NaN."""
        if self._vectors is None:
            self._vectors = self._scorer.embed_texts(self.tags)
        logits = self._slope * (vectors @ self._vectors.T) + self._offsets
        return (1 / (1 + np.exp(-logits))).astype(np.float32)
