"""Result types of the measures: a value with its bootstrap interval, or the reason why there is no value."""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
REPLICATES = 1000


@dataclass(frozen=True)
class Estimate:
    """A value measured on pictures, with its interval.

    Attributes:
        value: the measured value.
        low, high: ends of its bootstrap interval at level `LEVEL`; None where there is no interval.
        pictures: number of pictures it was measured on: paintings, or real pictures for recall and coverage.
        note: a remark to show beside the value; "" if there is none.
    """

    value: float
    low: float | None
    high: float | None
    pictures: int
    note: str = ""


@dataclass(frozen=True)
class Refused:
    """The result of a measure that was not computed: the reason, and what the user can do."""

    reason: str


Measured = Estimate | Refused

_DRAWN = 2**22  # numbers of pictures that are drawn together


def bootstrap_interval(
    value: float, *contributions: np.ndarray, level: float = LEVEL, replicates: int = REPLICATES, seed: int = 0
) -> tuple[float, float]:
    """Returns the ends of the interval that contains the share `level` of the bootstrap's replicates (Efron 1979).

    Each of `contributions` [n] belongs to one set of pictures. It holds by how much each picture of the set moves the
    value, with mean 0. If the value is a mean, a contribution is the picture's own value minus the mean, and this is the
    ordinary bootstrap. If it is not a mean (distances, diversity), the contributions are the value's first-order expansion
    (the infinitesimal jackknife, Efron 1982). Its replicates do not each need a new distance, and pictures that occur twice
    in a resample do not bias them.
    """
    draw = np.random.default_rng(seed)
    replicate = np.full(replicates, float(value))
    for rows in contributions:
        together = max(1, min(50, _DRAWN // len(rows)))
        for start in range(0, replicates, together):
            chosen = draw.integers(len(rows), size=(min(together, replicates - start), len(rows)))
            replicate[start : start + together] += rows[chosen].mean(axis=1)
    low, high = np.quantile(replicate, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def estimate_mean(values: np.ndarray, *, seed: int = 0, note: str = "") -> Estimate:
    """Returns the mean of one value per picture [n], n at least 1, with its bootstrap interval."""
    mean = float(values.mean())
    return Estimate(mean, *bootstrap_interval(mean, values - mean, seed=seed), len(values), note)
