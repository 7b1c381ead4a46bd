"""How far a painting follows lines: precision, recall and F1 of its edges against a map's, with a tolerance in pixels."""

from dataclasses import dataclass

import numpy as np

from impasto.vision.control_maps.opencv import opencv


@dataclass(frozen=True)
class EdgeLikeness:
    """The likeness of two edge maps, each number 0 to 1.

    Attributes:
        precision: the share of the found edges that lie near an asked one.
        recall: the share of the asked edges that lie near a found one.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def edge_likeness(asked: np.ndarray, found: np.ndarray, tolerance: int = 1) -> EdgeLikeness:
    """Compares edges pixel by pixel, as the boundary benchmarks do (Martin et al. 2004), without their one-to-one matching.

    Args:
        asked, found: uint8 [h, w], above 127 on the edges.
        tolerance: px, across, down and diagonally, that edges may lie apart, 0 or more.

    Returns:
        precision and recall; where one map is empty, the share of its edges is 1 if the other is empty too, else 0.

    Raises:
        ValueError: the shapes differ, or the tolerance is negative.
        MissingPart: OpenCV is not installed.
    """
    if asked.shape != found.shape or asked.ndim != 2:
        raise ValueError(f"edges of {asked.shape} and {found.shape}: both must be [h, w]")
    if tolerance < 0:
        raise ValueError(f"tolerance {tolerance}: use 0 px or more")
    wanted, made = asked > 127, found > 127
    return EdgeLikeness(_near(made, wanted, tolerance), _near(wanted, made, tolerance))


def _near(edges: np.ndarray, others: np.ndarray, tolerance: int) -> float:
    """Returns the share of `edges` that has one of `others` within the tolerance."""
    if not edges.any():
        return 0.0 if others.any() else 1.0
    square = np.ones((2 * tolerance + 1,) * 2, np.uint8)
    around = opencv().dilate(others.astype(np.uint8), square) > 0
    return float(around[edges].mean())
