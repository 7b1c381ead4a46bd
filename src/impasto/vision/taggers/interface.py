"""The interface of taggers, which assign words of a fixed vocabulary to a picture, and a tagger for models like RAM."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import choose_device, choose_precision
from impasto.vision.preprocessing import read_preprocessing
from impasto.vision.scorers.interface import ImageEncoder
from impasto.weights.header import WHOLE_AGAIN
from impasto.weights.transformers_folder import (
    TransformersFolder,
    find_transformers_folder,
    load_transformers_model,
)

WHAT = "an image classifier"


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


class TransformersTagger:
    """A multi-label classifier of transformers: each label has its own probability, as in RAM (Zhang et al. 2023).

    Its vocabulary is `id2label` of its config. Such a head is trained on yes or no for each tag, so its sigmoid is a
    probability on pictures like those of its training. Callers must measure how well it holds on paintings.
    """

    thresholds: np.ndarray | None = None

    def __init__(self, name: str, *, device: str = "auto", precision: str = "auto", batch: int = 32) -> None:
        """Loads a folder or hub name. `impasto.settings` describes `device` and `precision`.

        Raises:
            UsageError, MissingPart, ImpastoError: as `find_transformers_folder` and `load_transformers_model`; or it is
                not a multi-label classifier, or its config names no tags.
        """
        from transformers import AutoModelForImageClassification

        folder = find_transformers_folder(name)
        self.name, self.tags = folder.name, _vocabulary(folder)
        self._preprocessing = read_preprocessing(folder.path)
        self._device = choose_device(device)
        self._dtype = choose_precision(precision, self._device)
        self._model: Any = load_transformers_model(folder, AutoModelForImageClassification, WHAT, self._device, self._dtype)
        self._batch = batch
        self.identity = folder.identity

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)], 0..1, of pictures of any size."""
        parts = [np.zeros((0, len(self.tags)), np.float32)]
        for start in range(0, len(images), self._batch):
            parts.append(self._of_group(images[start : start + self._batch]))
        return np.concatenate(parts)

    def _of_group(self, images: Sequence[Image.Image]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(self._preprocessing.prepare(images)).to(self._device, self._dtype)
            return self._model(pixel_values=pixels).logits.float().sigmoid().cpu().numpy()


def _vocabulary(folder: TransformersFolder) -> tuple[str, ...]:
    config, where = folder.config, folder.path / "config.json"
    if config.get("problem_type") != "multi_label_classification":
        raise ImpastoError(
            f"{where}: problem_type is {config.get('problem_type')!r}, not 'multi_label_classification': "
            "a model that picks one label of many gives no tags"
        )
    labels: Any = config.get("id2label")
    try:
        named = {int(number): str(label).replace("_", " ").strip() for number, label in labels.items()}
    except (AttributeError, ValueError):
        raise ImpastoError(f"{where} names no tags (id2label): {WHOLE_AGAIN}") from None
    tags = tuple(named[number] for number in sorted(named))
    if not tags or sorted(named) != list(range(len(tags))) or all(tag == f"LABEL {n}" for n, tag in enumerate(tags)):
        raise ImpastoError(f"{where} names no tags: id2label must give a word for each number from 0 on")
    if len(set(tags)) < len(tags) or not all(tags):
        raise ImpastoError(f"{where}: id2label holds an empty tag, or one tag twice")
    return tags
