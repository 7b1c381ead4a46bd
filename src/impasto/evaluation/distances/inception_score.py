"""The Inception score (Salimans et al. 2016): high if each picture shows one class and all pictures show many classes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SPLITS = 10
_SEED = 2020  # torch-fidelity's order of pictures, so that equal logits give equal numbers


@dataclass(frozen=True)
class InceptionScore:
    """Mean and deviation over the splits, 1 .. classes, and how much each picture moves the score ([n], with mean 0)."""

    mean: float
    deviation: float
    contributions: np.ndarray


def inception_score(logits: np.ndarray, *, splits: int = SPLITS, seed: int = _SEED) -> InceptionScore:
    """Returns the exponential of the mean divergence of p(class | picture) from p(class).

    The score uses ImageNet's classes only and does not compare with real pictures. Paintings are outside these classes, so
    compare scores only along a series of models.

    Args:
        logits: [n, classes], n at least `splits`.
    """
    shuffled = np.asarray(logits, np.float64)[np.random.RandomState(seed).permutation(len(logits))]
    shuffled -= shuffled.max(axis=1, keepdims=True)
    log_p = shuffled - np.log(np.exp(shuffled).sum(axis=1, keepdims=True))
    edges = [number * len(log_p) // splits for number in range(splits + 1)]
    divergence = [_divergence(log_p[a:b]) for a, b in pairwise(edges)]
    scores = np.array([np.exp(part.mean()) for part in divergence])
    moved = np.concatenate([score * (part - part.mean()) for score, part in zip(scores, divergence, strict=True)])
    return InceptionScore(float(scores.mean()), float(scores.std()), moved)


def _divergence(log_p: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence [n] of each row of log probabilities [n, classes] from their mean."""
    p = np.exp(log_p)
    return (p * (log_p - np.log(p.mean(axis=0)))).sum(axis=1)
