"""Mean and covariance of any number of rows in constant memory, added in parts (Chan, Golub and LeVeque 1983)."""

from collections.abc import Iterable, Iterator

import numpy as np

from impasto.errors import ImpastoError

CHUNK = 4096  # rows that are converted to float64 together


class Moments:
    """The number, the mean and the centred products of rows of features, in float64.

    Each part is centred on its own mean before it is multiplied, and two parts are merged by the difference of their means
    (equation 2.1b of the paper, for vectors), so that a large common offset of all rows costs no digits. The memory is that
    of a covariance [d, d], whatever the number of rows.
    """

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean = np.zeros(width)
        self.products = np.zeros((width, width))  # the sum of (x - mean)(x - mean)'

    @classmethod
    def of(cls, parts: Iterable[np.ndarray]) -> "Moments":
        """Adds up parts of features [n, d] of one width; there must be at least one part."""
        found: Moments | None = None
        for part in parts:
            found = found if found is not None else cls(part.shape[1])
            found.add(part)
        if found is None:
            raise ImpastoError("there are no features to compare")
        return found

    def add(self, rows: np.ndarray) -> None:
        """Adds rows [n, d] of any floating-point type, a few at a time; n may be 0."""
        for part in chunks(rows):
            values = np.asarray(part, np.float64)
            mean = values.mean(axis=0)
            centred = values - mean
            self._merge(len(values), mean, centred.T @ centred)

    def merge(self, other: "Moments") -> None:
        """Adds the rows that another has seen, such as one in another process."""
        if other.count:
            self._merge(other.count, other.mean, other.products)

    def _merge(self, count: int, mean: np.ndarray, products: np.ndarray) -> None:
        total = self.count + count
        shift = mean - self.mean
        self.products += products
        if self.count:
            self.products += np.outer(shift * (self.count * count / total), shift)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance [d, d]. Raises ImpastoError if there are fewer than 2 rows."""
        if self.count < 2:
            raise ImpastoError(f"a covariance needs at least 2 pictures, not {self.count}")
        return self.products / (self.count - 1)


def chunks(rows: np.ndarray, places: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yields rows [n, d] in order, or those at `places`, at most 4,096 at a time; a memory-mapped array is read in parts."""
    for start in range(0, len(rows) if places is None else len(places), CHUNK):
        part = slice(start, start + CHUNK)
        yield rows[part] if places is None else rows[places[part]]
