"""The kernel distance between two sets of features.

It is the squared maximum mean discrepancy (Gretton et al. 2012) with the polynomial kernel of Bińkowski et al. (2018), who
call it KID on Inception's features. It is unbiased at any number of pictures.
"""

from dataclasses import dataclass

import numpy as np

SUBSETS, SUBSET_SIZE = 100, 1000
_SEED = 2020  # torch-fidelity's seed, which gives the same subsets: equal features give equal numbers
_CHUNK = 1024


@dataclass(frozen=True)
class KernelDistance:
    """Mean and deviation over subsets, and how much each picture moves the distance ([n] and [m], each with mean 0)."""

    mean: float
    deviation: float
    ours: np.ndarray
    theirs: np.ndarray


@dataclass(frozen=True)
class _Sums:
    """Sums of the kernel matrix of two sets: of each row [n], of each column [m], and of every subset's block [subsets]."""

    rows: np.ndarray
    columns: np.ndarray
    blocks: np.ndarray


def kernel_distance(
    ours: np.ndarray, theirs: np.ndarray, *, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = _SEED
) -> KernelDistance:
    """Returns the unbiased squared discrepancy of features [n, d] and [m, d], n and m at least 2.

    The kernel is k(x, y) = (x.y / d + 1)^3. For equal distributions the distance is 0 up to chance, so it may be negative.
    Subsets are no larger than a set. All pairs are computed once, and every subset sums its own pairs: for up to 10,000
    pictures a side that is no more work.
    """
    x, y = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    size = min(subset_size, len(x), len(y))
    draw = np.random.RandomState(seed)
    mine, their = np.zeros((subsets, len(x))), np.zeros((subsets, len(y)))
    for number in range(subsets):
        mine[number, draw.choice(len(x), size, replace=False)] = 1
        their[number, draw.choice(len(y), size, replace=False)] = 1
    within, beyond, across = _sums(x, x, mine, mine), _sums(y, y, their, their), _sums(x, y, mine, their)
    own, others = _kernel(np.square(x).sum(1), x.shape[1]), _kernel(np.square(y).sum(1), x.shape[1])
    alike = (within.blocks - mine @ own + beyond.blocks - their @ others) / (size * (size - 1))
    found = alike - 2 * across.blocks / size**2
    return KernelDistance(
        float(found.mean()),
        float(found.std()),
        _centred(2 * ((within.rows - own) / (len(x) - 1) - across.rows / len(y))),
        _centred(2 * ((beyond.rows - others) / (len(y) - 1) - across.columns / len(x))),
    )


def _kernel(products: np.ndarray, width: int) -> np.ndarray:
    return (products / width + 1) ** 3


def _sums(x: np.ndarray, y: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> _Sums:
    """Computes the sums; `of_x` [subsets, n] and `of_y` [subsets, m] are 1 where a subset contains the row."""
    rows, columns, blocks = np.zeros(len(x)), np.zeros(len(y)), np.zeros(len(of_x))
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        kernel = _kernel(x[part] @ y.T, x.shape[1])
        rows[part] = kernel.sum(1)
        columns += kernel.sum(0)
        blocks += np.einsum("sm,sm->s", of_x[:, part] @ kernel, of_y)
    return _Sums(rows, columns, blocks)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean()
