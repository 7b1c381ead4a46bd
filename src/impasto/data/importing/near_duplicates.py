"""Finds near-duplicate pictures: their perceptual hashes differ in few bits, and their thumbnails confirm it.

The thresholds were set by eye on the 295 closest pairs of 14,368 paintings. Up to 4 bits apart, all pairs were one work in
two reproductions. At 6 bits there are also dark portraits of different people, whose thumbnails agree less. From 8 bits on,
half of the pairs are different works.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from impasto.data.importing.perceptual_hash import THUMBNAIL, Appearance

MAX_BITS = 6
SURE_BITS = 4  # up to here the thumbnails need only the lower correlation
CORRELATION, SURE_CORRELATION = 0.93, 0.8  # of the grey thumbnails
FLAT = 6.0  # a grey thumbnail's standard deviation (of 255); below it correlation means nothing, and colours decide
FLAT_DIFFERENCE = 4.0  # of 255, on average
MAX_ASPECT = 1.08
_BITS = 64
_MANY = 1_000_000  # hashes


def near_hashes(hashes: np.ndarray, most: int = MAX_BITS) -> np.ndarray:
    """Returns the index pairs [n, 2] of hashes that differ in at most `most` bits, each pair once.

    `hashes` [m] are distinct uint64. Two such hashes, cut into most + k bands, agree in at least k of them (Norouzi et al.
    2012, multi-index hashing, for k = 1), so only hashes that agree in some k bands are compared: for each choice of k bands
    those that are neighbours when sorted by these bits alone. With k = 2, or 3 for a million hashes and more, few pairs are
    compared in vain, and the time grows about as that of sorting.
    """
    agreeing = 2 if len(hashes) < _MANY else 3
    edges = np.linspace(0, _BITS, most + agreeing + 1).astype(int)
    bands = [np.uint64(2**high - 2**low) for low, high in pairwise(edges.tolist())]
    found, waiting = np.zeros((0, 2), np.int64), list[np.ndarray]()
    for chosen in combinations(bands, agreeing):
        masked = hashes & np.bitwise_or.reduce(chosen)
        order = np.argsort(masked)
        masked, sorted_hashes = masked[order], hashes[order]
        starts, step = np.flatnonzero(masked[:-1] == masked[1:]), 1
        while len(starts):
            # In sorted order, a hash that agrees with the one `step` places later agrees with all between.
            near = starts[np.bitwise_count(sorted_hashes[starts] ^ sorted_hashes[starts + step]) <= most]
            waiting.append(np.sort(np.stack([order[near], order[near + step]], axis=1), axis=1))
            step += 1
            starts = starts[starts + step < len(masked)]
            starts = starts[masked[starts] == masked[starts + step]]
        if sum(map(len, waiting)) > len(hashes):  # a pair is found by several choices
            found, waiting = np.unique(np.concatenate([found, *waiting]), axis=0), []
    return np.unique(np.concatenate([found, *waiting]), axis=0)


class DuplicateFinder:
    """Finds pictures that look like those already kept. A picture is identified by its index in `appearances`."""

    def __init__(self, appearances: Sequence[Appearance]) -> None:
        self._sizes = np.array([(a.width, a.height) for a in appearances], np.float64).reshape(-1, 2)
        self._thumbnails = np.frombuffer(b"".join(a.thumbnail for a in appearances), np.uint8)
        self._thumbnails = self._thumbnails.reshape(len(appearances), THUMBNAIL**2, 3)
        self._hashes = np.array([a.bits for a in appearances], np.uint64)
        hashes, self._group = np.unique(self._hashes, return_inverse=True)
        self._near: dict[int, list[int]] = {}
        for one, other in near_hashes(hashes).tolist():
            self._near.setdefault(one, []).append(other)
            self._near.setdefault(other, []).append(one)
        self._kept: dict[int, list[int]] = {}

    def keep(self, place: int) -> None:
        """Marks a picture as kept, whatever it looks like."""
        self._kept.setdefault(int(self._group[place]), []).append(place)

    def kept_alike(self, place: int) -> list[int]:
        """Returns the indices of the kept pictures that look like the picture at `place`."""
        group = int(self._group[place])
        near = [other for g in (group, *self._near.get(group, ())) for other in self._kept.get(g, ())]
        return np.array(near)[self._alike(place, np.array(near))].tolist() if near else []

    def _alike(self, place: int, others: np.ndarray) -> np.ndarray:
        """Returns bool [n]: which of `others` [n], near in their hashes, have nearly the shape and thumbnail of `place`."""
        width, height = self._sizes[place]
        aspect = self._sizes[others, 0] * height / (self._sizes[others, 1] * width)
        shaped = (aspect <= MAX_ASPECT) & (aspect >= 1 / MAX_ASPECT)
        one, many = self._thumbnails[place].astype(np.float32), self._thumbnails[others].astype(np.float32)
        same_colours = np.abs(many - one).mean(axis=(1, 2)) <= FLAT_DIFFERENCE
        grey, greys = one.mean(axis=1), many.mean(axis=2)
        grey, greys = grey - grey.mean(), greys - greys.mean(axis=1, keepdims=True)
        spread, spreads = grey.std(), greys.std(axis=1)
        correlation = (greys * grey).mean(axis=1) / np.maximum(spread * spreads, 1e-6)
        apart = np.bitwise_count(self._hashes[others] ^ self._hashes[place])
        confirmed = correlation >= np.where(apart <= SURE_BITS, SURE_CORRELATION, CORRELATION)
        return shaped & np.where(np.minimum(spread, spreads) < FLAT, same_colours, confirmed)
