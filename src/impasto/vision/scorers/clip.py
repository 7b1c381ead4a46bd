"""CLIP (Radford et al. 2021) and its like as the scorer: whatever transformers loads as a text and an image encoder."""

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from impasto.errors import ImpastoError
from impasto.language.text_encoders import CLIP_HUB_NAME, token_limit
from impasto.settings import choose_device, choose_precision
from impasto.vision.preprocessing import read_preprocessing
from impasto.weights.files import one_line
from impasto.weights.transformers_folder import (
    find_transformers_folder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

SHORT_NAMES = {"clip": CLIP_HUB_NAME, "siglip": "google/siglip-base-patch16-224"}
WHAT = "a pair of text and image encoders"
CLIP_THRESHOLD = 0.2  # wang2023, section 3.1
# SigLIP (Zhai et al. 2023) has no such published number: below this probability of its own the pair counts as mismatched.
SIGLIP_PROBABILITY = 0.01


class ClipScorer:
    """A `TextImageScorer` from a folder or hub name in transformers' layout; `clip` is wang2023's, ViT-L/14.

    Vectors depend only on the picture or text, up to rounding, not on what is embedded beside it.

    Attributes:
        name, identity, width, threshold: see `TextImageScorer`.
        max_tokens: of a text, its marks included; what is longer is cut there (see `tokens_left_out`).
    """

    def __init__(self, name: str = "clip", *, device: str = "auto", precision: str = "auto", batch: int = 32) -> None:
        """Loads the model; `device` and `precision` as `impasto.settings` has them.

        Raises:
            UsageError, MissingPart, ImpastoError: as `find_transformers_folder` and `load_transformers_model`.
        """
        from transformers import AutoModel, AutoTokenizer

        folder = find_transformers_folder(name, SHORT_NAMES)
        self._preprocessing = read_preprocessing(folder.path)
        self._device = choose_device(device)
        self._dtype = choose_precision(precision, self._device)
        self._tokenizer: Any = load_transformers_part(folder, AutoTokenizer, f"{WHAT} with a tokenizer")
        self._model: Any = load_transformers_model(folder, AutoModel, WHAT, self._device, self._dtype)
        if not all(hasattr(self._model, f"get_{kind}_features") for kind in ("text", "image")):
            raise ImpastoError(f"{folder.path} holds a {folder.model_type!r} model, which is not {WHAT}")
        self._batch = batch
        # SigLIP saw its padding and no mask, in training and ever since.
        self._padded = folder.model_type.startswith("siglip")
        config = self._model.config
        self.max_tokens = token_limit(self._tokenizer, getattr(config, "text_config", config))
        self.name, self.identity = folder.name, folder.identity
        self.threshold = _threshold(self._model)
        try:
            self.width = int(self._of_texts([""]).shape[1])
        except Exception as error:  # a tokenizer of another model, a config that lies: each fails in its own way
            raise ImpastoError(f"{folder.path} cannot embed a text: {one_line(error)}") from None

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Unit vectors float32 [n, width] of pictures of any size."""
        stream, parts = iter(images), [np.zeros((0, self.width), np.float32)]
        while group := list(islice(stream, self._batch)):
            parts.append(self._of_images(group))
        return np.concatenate(parts)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors float32 [n, width]; of a long text, of its first `max_tokens` tokens."""
        parts = [np.zeros((0, self.width), np.float32)]
        for start in range(0, len(texts), self._batch):
            parts.append(self._of_texts(list(texts[start : start + self._batch])))
        return np.concatenate(parts)

    def tokens_left_out(self, texts: Sequence[str]) -> list[int]:
        """How many tokens of each text `embed_texts` does not see."""
        with quietly():  # the tokenizer would warn of the very lengths that are asked for
            return [max(0, len(self._tokenizer(text)["input_ids"]) - self.max_tokens) for text in texts]

    @torch.inference_mode()
    def _of_images(self, images: list[Image.Image]) -> np.ndarray:
        pixels = torch.from_numpy(self._preprocessing.prepare(images)).to(self._device, self._dtype)
        return _unit(self._model.get_image_features(pixel_values=pixels))

    @torch.inference_mode()
    def _of_texts(self, texts: list[str]) -> np.ndarray:
        tokens = self._tokenizer(
            texts,
            padding="max_length" if self._padded else "longest",
            max_length=self.max_tokens,
            truncation=True,
            return_tensors="pt",
        ).to(self._device)
        mask = None if self._padded else tokens["attention_mask"]
        return _unit(self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=mask))


def _unit(output: Any) -> np.ndarray:
    """Vectors of length 1 from what the encoders give: until transformers 5 a tensor, since then one inside an object."""
    vectors = output if isinstance(output, torch.Tensor) else output.pooler_output
    return F.normalize(vectors.float(), dim=-1).cpu().numpy()


def _threshold(model: Any) -> float:
    """CLIP's 0.2; for SigLIP, whose probability is sigmoid(scale * cosine + bias), the cosine of its 1 %."""
    bias, scale = getattr(model, "logit_bias", None), getattr(model, "logit_scale", None)
    if bias is None or scale is None:
        return CLIP_THRESHOLD
    logit = math.log(SIGLIP_PROBABILITY / (1 - SIGLIP_PROBABILITY))
    return min(1.0, max(-1.0, (logit - float(bias)) / math.exp(float(scale))))
