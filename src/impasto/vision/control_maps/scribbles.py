"""Scribbles: hand-drawn strokes as a map, and strokes that imitate a hand's from a picture's edges."""

import numpy as np

from impasto.errors import ImpastoError
from impasto.vision.control_maps.hed import hed
from impasto.vision.control_maps.opencv import opencv

_STROKE = 127
_MOST_INK = 0.5  # a drawing with more of its area in strokes has them in the other colour


def scribble(picture: np.ndarray) -> np.ndarray:
    """Returns the strokes of a hand-drawn picture, white on black: uint8 [h, w], 0 or 255.

    Dark strokes on pale paper and pale strokes on a dark ground both work: strokes cover the smaller part of a drawing.
    ControlNet's own program takes dark strokes only (a channel below 127).

    Args:
        picture: RGB uint8 [h, w, 3].

    Raises:
        ImpastoError: the picture has one colour only, so no strokes.
    """
    drawn = picture.min(axis=2) < _STROKE
    if drawn.mean() > _MOST_INK:
        drawn = picture.max(axis=2) > _STROKE
        if drawn.mean() > _MOST_INK:  # grey strokes between the two: what differs from the ground
            drawn = np.zeros_like(drawn)
    if not drawn.any():
        raise ImpastoError("no strokes are found: a scribble is dark on a pale ground, or pale on a dark one")
    return np.where(drawn, 255, 0).astype(np.uint8)


def fake_scribble(picture: np.ndarray, smooth: float = 3.0) -> np.ndarray:
    """Returns strokes like a hand's along HED's edges, white on black: uint8 [h, w], 0 or 255.

    Non-maximum suppression leaves thin ridges of the smoothed edges; blurring and a low threshold make them strokes. The
    settings are those of ControlNet's program (Zhang et al. 2023).

    Args:
        picture: RGB uint8 [h, w, 3].
        smooth: deviation of the blur in pixels, for pictures of 512 px; it is scaled with the shorter side.

    Raises:
        MissingPart, ImpastoError: as `hed`.
    """
    cv2 = opencv()
    deviation = max(0.6, smooth * min(picture.shape[:2]) / 512)
    ridges = _thinned(hed(picture), deviation)
    soft = cv2.GaussianBlur(ridges, (0, 0), deviation)
    return np.where(soft > 4, 255, 0).astype(np.uint8)


def _thinned(edges: np.ndarray, deviation: float, threshold: int = 127) -> np.ndarray:
    """Keeps the pixels that are the largest along a line through them in one of four directions."""
    cv2 = opencv()
    smooth = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), deviation)
    level = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]], np.uint8)
    slope = np.eye(3, dtype=np.uint8)
    ridge = np.zeros(smooth.shape, bool)
    for line in (level, level.T, slope, slope[::-1].copy()):
        ridge |= cv2.dilate(smooth, line) == smooth
    return np.where(ridge & (smooth > threshold), 255, 0).astype(np.uint8)
