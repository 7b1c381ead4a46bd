"""Texts as MiniLM's sentence vectors, and how many tokens they are: what likeness and the token budget are measured by."""

from collections.abc import Sequence

import numpy as np


def sentence_vectors(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors float32 [n, 384]: the mean of each text's token states (Reimers and Gurevych 2019).

    Raises:
        MissingPart: the text encoder's package is not installed.
    """
    from impasto.language.sentence_encoder import sentence_encoder

    return sentence_encoder().vectors(texts)


def count_tokens(text: str) -> int:
    """How many of the text encoder's 77 tokens a text takes, its two marks included.

    Raises:
        MissingPart: the text encoder's package is not installed.
    """
    from impasto.language.sentence_encoder import sentence_encoder

    return sentence_encoder().count_tokens(text)
