"""Finds the vectors nearest to a query by brute force, over blocks that need not be in memory together."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Nearest:
    """The nearest vectors of each query, the most similar first.

    Attributes:
        similarity: float32 [queries, count], the dot products; -inf where there are fewer vectors.
        place: int64 [queries, count], the vectors' numbers; -1 where there are fewer.
    """

    similarity: np.ndarray
    place: np.ndarray


def nearest_of_all(queries: np.ndarray, blocks: Iterable[np.ndarray], count: int) -> Nearest:
    """Returns the `count` vectors with the greatest dot product for each of the queries [q, d], exactly.

    The vectors come in blocks [n, d], of any float type, whose rows are numbered through. Rows with NaN are never found.
    Of equal similarities the first vector goes first. Memory: one block's product [q, n].
    """
    similarity = np.full((len(queries), count), -np.inf, np.float32)
    place = np.full((len(queries), count), -1, np.int64)
    start = 0
    for block in blocks:
        products = np.nan_to_num(queries @ np.asarray(block, np.float32).T, nan=-np.inf)
        best = np.argsort(-products, axis=1, kind="stable")[:, :count]
        products, numbers = np.take_along_axis(products, best, 1), best + start
        similarity, place = _best(np.hstack([similarity, products]), np.hstack([place, numbers]), count)
        start += len(block)
    place[~np.isfinite(similarity)] = -1
    return Nearest(similarity, place)


def _best(similarity: np.ndarray, place: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(similarity, order, 1).astype(np.float32), np.take_along_axis(place, order, 1)
