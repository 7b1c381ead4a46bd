"""Squared distances between all pairs of two sets of features, computed in chunks of rows."""

from collections.abc import Iterator

import numpy as np

_CHUNK = 1024


def squared_distances(ours: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (rows of `ours`, their squared Euclidean distances [rows, m], float64) for features [n, d] and [m, d].

    Uses |x|^2 + |y|^2 - 2 x.y about the mean of `theirs`; the error is about 1e-13 of the sets' spread.
    """
    centre = theirs.mean(axis=0, dtype=np.float64)
    x, y = ours - centre, theirs - centre
    lengths, others = np.square(x).sum(1), np.square(y).sum(1)
    for start in range(0, len(x), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(x)))
        found = lengths[part, None] + others - 2 * (x[part] @ y.T)
        yield part, np.maximum(found, 0, out=found)
