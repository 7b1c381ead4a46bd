"""The directional similarity of an edit: whether the picture changed as its text did (Gal et al. 2022, StyleGAN-NADA)."""

import numpy as np


def directional_similarity(
    before: np.ndarray, after: np.ndarray, text_before: np.ndarray, text_after: np.ndarray
) -> np.ndarray:
    """Returns cos(E_I(after) - E_I(before), E_T(after) - E_T(before)) of each edit, float32 [n], -1 .. 1.

    Brooks et al. (2023, section 3.1.2) filter their training pairs by it. An edit that changes nothing has 0.

    Args:
        before, after: embeddings of the pictures, [n, width].
        text_before, text_after: embeddings of their texts, [n, width] or [1, width].
    """
    pictures, texts = after - before, text_after - text_before
    lengths = np.linalg.norm(pictures, axis=-1) * np.linalg.norm(texts, axis=-1)
    products = (pictures * texts).sum(axis=-1)
    return np.where(lengths > 1e-8, products / np.maximum(lengths, 1e-8), 0.0).astype(np.float32)
