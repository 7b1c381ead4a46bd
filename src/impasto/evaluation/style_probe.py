"""A linear probe, trained on real paintings, that predicts the artist of a picture from its features."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from impasto.errors import ImpastoError, MissingPart


def most_seen(artists: Sequence[str], count: int) -> list[str]:
    """Returns the `count` most frequent artists, ordered by frequency and then by name."""
    seen = Counter(artist for artist in artists if artist)
    return [name for name, _ in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))[:count]]


@dataclass
class StyleProbe:
    """Logistic regression on standardised features, classes weighted equally."""

    classes: list[str]
    _model: Any

    @classmethod
    def train(cls, features: np.ndarray, artists: Sequence[str], *, strength: float = 0.003) -> "StyleProbe":
        """Trains a probe.

        Args:
            features: [n, d].
            artists: the artist of each row.
            strength: scikit-learn's C (smaller: more regularised).

        Raises:
            ImpastoError: there are fewer than two artists.
            MissingPart: scikit-learn is not installed.
        """
        try:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
        except ImportError:
            raise MissingPart("the style probe needs scikit-learn: pip install 'impasto[judge]'") from None
        if len(set(artists)) < 2:
            raise ImpastoError("a style probe needs pictures of at least two artists")
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, class_weight="balanced"))
        model.fit(features, np.array(artists))
        return cls([str(name) for name in model.classes_], model)

    def name(self, features: np.ndarray) -> list[str]:
        """Returns the predicted artist of each picture."""
        return [str(name) for name in self._model.predict(features)]

    def accuracy(self, features: np.ndarray, artists: Sequence[str]) -> float:
        """Returns the share of correct predictions, 0 to 1; chance level is 1 over the number of artists."""
        named = self.name(features)
        return sum(a == b for a, b in zip(named, artists, strict=True)) / max(1, len(named))
