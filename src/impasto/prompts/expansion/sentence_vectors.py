"""MiniLM's sentence embeddings and token counts of texts, for the similarity term and the token budget of expansion."""

from collections.abc import Sequence

import numpy as np


def sentence_vectors(texts: Sequence[str]) -> np.ndarray:
    """Returns unit vectors float32 [n, 384]: the mean of each text's token states (Reimers and Gurevych 2019).

    Raises:
        MissingPart: the text encoder's package is not installed.
    """
    from impasto.language.sentence_encoder import sentence_encoder

    return sentence_encoder().vectors(texts)


def count_tokens(text: str) -> int:
    """Returns how many of the text encoder's 77 tokens a text takes, including the two special tokens.

    Raises:
        MissingPart: the text encoder's package is not installed.
    """
    from impasto.language.sentence_encoder import sentence_encoder

    return sentence_encoder().count_tokens(text)
