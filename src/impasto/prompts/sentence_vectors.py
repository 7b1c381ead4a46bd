"""Texts as MiniLM's sentence vectors, and how many tokens they are: what likeness and the token budget are measured by."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from impasto.checkpoints.minilm import TextEncoder

_BATCH = 32


@cache
def _encoder() -> "TextEncoder":
    from impasto.checkpoints.minilm import load_text_encoder

    return load_text_encoder()


def sentence_vectors(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors float32 [n, 384]: the mean of each text's token states (Reimers and Gurevych 2019).

    Raises:
        MissingPart: the text encoder's package is not installed.
    """
    import torch

    encoder, parts = _encoder(), []
    for start in range(0, len(texts), _BATCH):
        tokens = encoder.tokenizer(
            list(texts[start : start + _BATCH]), padding=True, truncation=True, max_length=128, return_tensors="pt"
        )
        with torch.inference_mode():
            states = encoder.model(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
        mask = tokens.attention_mask[..., None].to(states.dtype)
        means = (states * mask).sum(dim=1) / mask.sum(dim=1)
        parts.append(torch.nn.functional.normalize(means, dim=-1).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, encoder.width), np.float32)


def count_tokens(text: str) -> int:
    """How many of the text encoder's 77 tokens a text takes, its two marks included."""
    return len(_encoder().tokenizer(text, truncation=False)["input_ids"])
