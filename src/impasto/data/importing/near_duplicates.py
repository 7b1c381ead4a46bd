"""Finds near-duplicate pictures: their perceptual hashes differ in few bits, and their thumbnails confirm it.

The thresholds were set by eye on the 295 closest pairs of 14,368 paintings. Up to 4 bits apart, all pairs were one work in
two reproductions. At 6 bits there are also dark portraits of different people, whose thumbnails agree less. From 8 bits on,
half of the pairs are different works.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from impasto.data.importing.perceptual_hash import THUMBNAIL, Appearance

MAX_BITS = 6
SURE_BITS = 4  # up to here the thumbnails need only the lower correlation
CORRELATION, SURE_CORRELATION = 0.93, 0.8  # of the grey thumbnails
FLAT = 6.0  # a grey thumbnail's standard deviation (of 255); below it correlation means nothing, and colours decide
FLAT_DIFFERENCE = 4.0  # of 255, on average
MAX_ASPECT = 1.08
_BITS = 64


def near_hashes(hashes: np.ndarray, most: int = MAX_BITS) -> np.ndarray:
    """Returns the index pairs [n, 2] of hashes that differ in at most `most` bits, each pair once.

    `hashes` [m] are distinct uint64. Two such hashes, cut into most + 1 bands, agree in at least one band (Norouzi et al.
    2012, multi-index hashing), so only hashes that share a band are compared.
    """
    found = []
    edges = np.linspace(0, _BITS, most + 2).astype(np.uint64)
    for low, high in pairwise(edges):
        band = (hashes >> low) & np.uint64(2 ** int(high - low) - 1)
        order = np.argsort(band, kind="stable")
        band, sorted_hashes = band[order], hashes[order]
        starts, step = np.arange(len(band)), 0
        while len(starts):
            step += 1
            # In sorted order, a hash that shares its band with the one `step` places later shares it with all between.
            starts = starts[starts + step < len(band)]
            starts = starts[band[starts] == band[starts + step]]
            near = starts[np.bitwise_count(sorted_hashes[starts] ^ sorted_hashes[starts + step]) <= most]
            found.append(np.stack([order[near], order[near + step]], axis=1))
    pairs = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    return np.unique(np.sort(pairs, axis=1), axis=0)


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
