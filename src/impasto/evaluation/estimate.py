"""A measured value with its interval, or the reason why there is none."""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
REPLICATES = 1000


@dataclass(frozen=True)
class Estimate:
    """What was measured on pictures.

    Attributes:
        value: the measure itself.
        low, high: ends of its bootstrap interval of `LEVEL`; None where there is none.
        pictures: how many it was counted on: paintings, or real pictures for recall and coverage.
        note: what to know beside it, "" if nothing.
    """

    value: float
    low: float | None
    high: float | None
    pictures: int
    note: str = ""


@dataclass(frozen=True)
class Refused:
    """Why a measure is not given, and what to do."""

    reason: str


Measured = Estimate | Refused


def bootstrap_interval(
    value: float, *contributions: np.ndarray, level: float = LEVEL, replicates: int = REPLICATES, seed: int = 0
) -> tuple[float, float]:
    """The ends of the interval that `level` of the bootstrap's replicates fall into (Efron 1979).

    Each of `contributions` [n] belongs to one set of pictures: by how much each of its pictures moves the value, with mean
    0. Where the value is a mean, that is each picture's own value less the mean, and this is the ordinary bootstrap. Where
    it is not (distances, diversity), it is the value's first-order expansion, whose replicates need no distance each
    (the infinitesimal jackknife, Efron 1982) and are not moved by the pictures that a resample holds twice.
    """
    draw = np.random.default_rng(seed)
    replicate = np.full(replicates, float(value))
    for rows in contributions:
        for start in range(0, replicates, 50):
            chosen = draw.integers(len(rows), size=(min(50, replicates - start), len(rows)))
            replicate[start : start + 50] += rows[chosen].mean(axis=1)
    low, high = np.quantile(replicate, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def estimate_mean(values: np.ndarray, *, seed: int = 0, note: str = "") -> Estimate:
    """The mean of one value per picture [n], n at least 1, with its interval."""
    mean = float(values.mean())
    return Estimate(mean, *bootstrap_interval(mean, values - mean, seed=seed), len(values), note)
