"""A scorer with CLIP (Radford et al. 2021) or a similar pair of text and image encoders that transformers can load."""

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
    TransformersFolder,
    find_transformers_folder,
    load_transformers_model,
    load_transformers_part,
    quietly,
)

SHORT_NAMES = {"clip": CLIP_HUB_NAME, "siglip": "google/siglip-base-patch16-224"}
WHAT = "a pair of text and image encoders"
CLIP_THRESHOLD = 0.2  # wang2023, section 4.1
# SigLIP (Zhai et al. 2023) publishes no such threshold: a pair below this probability of the model counts as mismatched.
SIGLIP_PROBABILITY = 0.01


class ClipScorer:
    """A `TextImageScorer` from a folder or hub name in transformers' layout; `clip` is ViT-L/14.

    wang2023 (section 4.1) filters with CLIP and names no size. ViT-L/14 is that of Stable Diffusion v1's text encoder.

    An embedding depends only on its picture or text, up to rounding, not on the others in the batch.

    Attributes:
        name, identity, width, threshold: see `TextImageScorer`.
        side: see `DifferentiableScorer`.
        max_tokens: limit of tokens per text, including special tokens; longer texts are cut (see `tokens_left_out`).
    """

    def __init__(self, name: str = "clip", *, device: str = "auto", precision: str = "auto", batch: int = 32) -> None:
        """Loads the model. `impasto.settings` describes `device` and `precision`.

        Raises:
            UsageError, MissingPart, ImpastoError: as `find_transformers_folder` and `load_transformers_model`.
        """
        from transformers import AutoModel, AutoTokenizer

        folder = find_clip(name)
        self._preprocessing = read_preprocessing(folder.path)
        self._device = choose_device(device)
        self._dtype = choose_precision(precision, self._device)
        self._tokenizer: Any = load_transformers_part(folder, AutoTokenizer, f"{WHAT} with a tokenizer")
        self._model: Any = load_transformers_model(folder, AutoModel, WHAT, self._device, self._dtype)
        if not all(hasattr(self._model, f"get_{kind}_features") for kind in ("text", "image")):
            raise ImpastoError(f"{folder.path} holds a {folder.model_type!r} model, which is not {WHAT}")
        self._batch = batch
        # SigLIP is trained and used with padding and without an attention mask.
        self._padded = folder.model_type.startswith("siglip")
        config = self._model.config
        self.max_tokens = token_limit(self._tokenizer, getattr(config, "text_config", config))
        self._model.requires_grad_(False)
        self.side = self._preprocessing.side
        self.name, self.identity = folder.name, folder.identity
        self.threshold = _threshold(self._model)
        try:
            self.width = int(self._of_texts([""]).shape[1])
        except Exception as error:  # a tokenizer of another model, a wrong config: each raises another error
            raise ImpastoError(f"{folder.path} cannot embed a text: {one_line(error)}") from None

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Returns unit vectors float32 [n, width] of pictures of any size."""
        stream, parts = iter(images), [np.zeros((0, self.width), np.float32)]
        while group := list(islice(stream, self._batch)):
            parts.append(self._of_images(group))
        return np.concatenate(parts)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns unit vectors float32 [n, width]; a long text is cut to its first `max_tokens` tokens."""
        parts = [np.zeros((0, self.width), np.float32)]
        for start in range(0, len(texts), self._batch):
            parts.append(self._of_texts(list(texts[start : start + self._batch])))
        return np.concatenate(parts)

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns unit vectors float32 [n, width] of squares [n, 3, side, side] in 0 .. 1, with gradients."""
        ready = self._preprocessing.normalised(pixels.clamp(0, 1)).to(self._device, self._dtype)
        return _unit_vectors(self._model.get_image_features(pixel_values=ready))

    def tokens_left_out(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text that `embed_texts` cuts."""
        with quietly():  # the tokenizer would warn about long texts, whose length is measured here
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


def find_clip(name: str) -> TransformersFolder:
    """Finds a folder, hub name or short name of CLIP or a similar model, without loading it.

    Raises:
        UsageError, MissingPart, ImpastoError: as `find_transformers_folder`, or it is a model of another kind.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES as KNOWN

    folder = find_transformers_folder(name, SHORT_NAMES, pickles=True, also=("pocket",))
    if folder.model_type not in (*KNOWN, "vision-text-dual-encoder"):
        raise ImpastoError(f"{folder.path} holds a {folder.model_type!r} model, which is not {WHAT}")
    return folder


def _unit(output: Any) -> np.ndarray:
    return _unit_vectors(output).cpu().numpy()


def _unit_vectors(output: Any) -> torch.Tensor:
    """Normalises the encoders' output to unit vectors. Before transformers 5 it is a tensor, later an object with one."""
    vectors = output if isinstance(output, torch.Tensor) else output.pooler_output
    return F.normalize(vectors.float(), dim=-1)


def _threshold(model: Any) -> float:
    """Returns 0.2 for CLIP; for SigLIP, with probability sigmoid(scale * cosine + bias), the cosine where it is 1 %."""
    bias, scale = getattr(model, "logit_bias", None), getattr(model, "logit_scale", None)
    if bias is None or scale is None:
        return CLIP_THRESHOLD
    logit = math.log(SIGLIP_PROBABILITY / (1 - SIGLIP_PROBABILITY))
    return min(1.0, max(-1.0, (logit - float(bias)) / math.exp(float(scale))))
