"""A tagger with any image classifier of transformers: ViT, Swin, ConvNeXT and others with labels in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from impasto.errors import ImpastoError
from impasto.settings import choose_device, choose_precision
from impasto.vision.preprocessing import read_preprocessing
from impasto.vision.recognize_anything.keys import KINDS
from impasto.vision.scorers.interface import ImageEncoder
from impasto.vision.taggers.interface import ProbabilityEncoder
from impasto.weights.header import WHOLE_AGAIN
from impasto.weights.transformers_folder import (
    TransformersFolder,
    find_local_folder,
    find_transformers_folder,
    load_transformers_model,
)

WHAT = "an image classifier"
_SHORT_NAMES = {"vit": "google/vit-base-patch16-224"}
_ZERO_SHOT = "give it as --scorer, with --tagger zero-shot"
_CAPTIONS = "give it as --captioner of `impasto data caption`"
# Kinds that users take for taggers, and what to do instead.
_OTHERS = {
    **dict.fromkeys(("clip", "siglip", "siglip2"), _ZERO_SHOT),
    **dict.fromkeys(("blip", "blip-2", "git", "florence2", "vision-encoder-decoder"), _CAPTIONS),
}


class TransformersTagger:
    """A classifier of transformers whose labels, `id2label` of its config, are the tags.

    A multi-label classifier (`problem_type` is `multi_label_classification`) is trained on yes or no for each label, so a
    sigmoid gives each label's probability. Any other classifier is trained to pick one label of many, so a softmax gives
    probabilities that sum to 1: its most probable label is the tag, and rarely a second one. Callers must measure how well
    probabilities hold on paintings.

    Attributes:
        name, identity, tags, thresholds, encoder: see `EncodingTagger`. Labels with the same words are one tag, with the sum
            of their probabilities.
    """

    thresholds: np.ndarray | None = None

    def __init__(self, name: str, *, device: str = "auto", precision: str = "auto", batch: int = 32) -> None:
        """Loads a folder or hub name. `impasto.settings` describes `device` and `precision`.

        Raises:
            UsageError, MissingPart, ImpastoError: as `find_transformers_folder` and `load_transformers_model`; or it is no
                classifier, or its config names no tags.
        """
        from transformers import AutoModelForImageClassification

        folder = find_transformers_folder(name, _SHORT_NAMES, pickles=True, also=("pocket", "zero-shot", *KINDS))
        _check_kind(folder)
        labels = _labels(folder)
        self.name, self.identity = folder.name, folder.identity
        self._many = folder.config.get("problem_type") == "multi_label_classification"
        self.tags = tuple(dict.fromkeys(labels))
        if self._many and len(self.tags) < len(labels):
            twice = next(tag for tag in self.tags if labels.count(tag) > 1)
            raise ImpastoError(f"{folder.path / 'config.json'}: id2label holds one tag twice ({twice})")
        self._places = np.array([self.tags.index(label) for label in labels])
        self._preprocessing = read_preprocessing(folder.path)
        self._device = choose_device(device)
        self._dtype = choose_precision(precision, self._device)
        self._model: Any = load_transformers_model(folder, AutoModelForImageClassification, WHAT, self._device, self._dtype)
        self.encoder: ImageEncoder = ProbabilityEncoder(self, self._of_group, batch)

    def probabilities(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Returns probabilities float32 [n, len(tags)], 0..1, of pictures of any size."""
        return self.encoder.embed_images(images)

    def probabilities_of(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the encoder's vectors, which are the probabilities, as float32 [n, tags]; a row of NaN stays NaN."""
        return vectors.astype(np.float32)

    def _of_group(self, images: list[Image.Image]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(self._preprocessing.prepare(images)).to(self._device, self._dtype)
            logits = self._model(pixel_values=pixels).logits.float()
            of_labels = (logits.sigmoid() if self._many else logits.softmax(dim=-1)).cpu().numpy()
        found = np.zeros((len(of_labels), len(self.tags)), np.float32)
        np.add.at(found.T, self._places, of_labels.T)
        return found.clip(0, 1)


def check_classifier(name: str) -> None:
    """Checks a classifier by its name and its config.json; loads nothing.

    Raises:
        UsageError, MissingPart, ImpastoError: as `TransformersTagger`, as far as names and config.json tell it.
    """
    folder = find_local_folder(name, _SHORT_NAMES, also=("pocket", "zero-shot", *KINDS))
    if folder is not None:
        _check_kind(folder)
        _labels(folder)


def _check_kind(folder: TransformersFolder) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as KNOWN

    kind, made_for = folder.model_type, str(folder.config.get("architectures"))
    if kind not in KNOWN or (kind in _OTHERS and "ForImageClassification" not in made_for):
        advice = f": {_OTHERS[kind]}" if kind in _OTHERS else ""
        raise ImpastoError(f"{folder.path} holds a {kind!r} model, which is not {WHAT}{advice}")


def _labels(folder: TransformersFolder) -> list[str]:
    config, where = folder.config, folder.path / "config.json"
    labels: Any = config.get("id2label")
    try:
        named = {int(number): str(label).replace("_", " ").strip() for number, label in labels.items()}
    except (AttributeError, ValueError):
        raise ImpastoError(
            f"{where} names no tags (id2label): it is no classifier with labels in words, or not whole ({WHOLE_AGAIN})"
        ) from None
    found = [named[number] for number in sorted(named)]
    if not found or sorted(named) != list(range(len(found))) or all(tag == f"LABEL {n}" for n, tag in enumerate(found)):
        raise ImpastoError(f"{where} names no tags: id2label must give a word for each number from 0 on")
    if not all(found):
        raise ImpastoError(f"{where}: id2label holds an empty tag")
    return found
