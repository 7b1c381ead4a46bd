"""Threshold of the similarity above which a painting counts as a copy, calibrated on held-out real paintings."""

from dataclasses import dataclass, field

import numpy as np

from impasto.errors import UsageError

USUAL_FALSE_ALARMS = 0.005
# Used if too few works are held out: what `benchmarks/judge_copies.py` found at 0.005 on 14,302 paintings, rounded up.
USUAL_THRESHOLD = 0.88
# Edges that agree this well belong to the same picture. A catalogue with many duplicate works would give a higher threshold.
HIGHEST_THRESHOLD = 0.95


@dataclass(frozen=True)
class Threshold:
    """The similarity from which a painting counts as a copy.

    Attributes:
        value: at most `HIGHEST_THRESHOLD`.
        false_alarms: the share of real paintings that was allowed to reach it.
        works: number of real paintings it was measured on; 0 if too few are held out: then it is `USUAL_THRESHOLD`.
        reached_by: number of these paintings that reach the threshold.
    """

    value: float
    false_alarms: float
    works: int
    reached_by: int

    def __str__(self) -> str:
        if not self.works:
            least = round(1 / self.false_alarms)
            return f"{self.value:.3f}, the usual one: fewer than {least} real works are held out to measure it on"
        return f"{self.value:.3f}, which {self.reached_by} of {self.works} held-out real works reach"


@dataclass(frozen=True)
class Calibration:
    """The similarity of held-out real works to their nearest training picture, works of the same artist included.

    Attributes:
        similarities: float32 [m].
        same_artist: bool [m], whether the nearest training picture is by the work's own artist.
    """

    similarities: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    same_artist: np.ndarray = field(default_factory=lambda: np.zeros(0, np.bool_))

    def threshold(self, false_alarms: float = USUAL_FALSE_ALARMS) -> Threshold:
        """Returns the smallest similarity that at most this share of the works reaches.

        If this share is less than one work, returns the usual threshold.

        Raises:
            UsageError: the share is not between 0 and 0.5.
        """
        if not 0 < false_alarms <= 0.5:
            raise UsageError(f"--false-alarms {false_alarms:g}: use a share above 0, at most 0.5")
        works = len(self.similarities)
        # 200 * 0.005 is one work; rounding must not make it none.
        allowed = int(works * false_alarms + 1e-9)
        if not allowed:
            return Threshold(USUAL_THRESHOLD, false_alarms, 0, 0)
        highest = np.sort(self.similarities)[::-1]
        above_the_next = float(np.nextafter(highest[allowed], np.float32(2)))
        value = min(above_the_next, HIGHEST_THRESHOLD)
        return Threshold(value, false_alarms, works, int((self.similarities >= value).sum()))

    def quantiles(self, at: tuple[float, ...] = (0.5, 0.9, 0.99)) -> dict[float, float]:
        """Returns quantiles of the similarities; empty if there are no similarities."""
        return {q: float(np.quantile(self.similarities, q)) for q in at} if len(self.similarities) else {}
