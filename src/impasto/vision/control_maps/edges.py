"""Edge and line maps: Canny's edges, and straight lines by Hough's transform and by the line segment detector (LSD)."""

import numpy as np

from impasto.errors import UsageError
from impasto.vision.control_maps.opencv import opencv

# Of Canny's upper threshold, which Otsu's method chooses: the usual ratio of the two thresholds is 1:2 to 1:3 (Canny 1986).
_LOWER_SHARE = 0.4
_SMOOTHED = 1 / 128  # deviation of the blur before it, of the shorter side: brush strokes are no edges
_SHORTEST = 0.06  # of the shorter side: shorter segments are texture, not lines


def canny(picture: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Returns Canny's edges, white on black: uint8 [h, w], 0 or 255.

    Args:
        picture: RGB uint8 [h, w, 3].
        low, high: the thresholds of the gradient (Sobel, the sum of both directions), 0 or more; in ControlNet's own program
            100 and 200. None for both smooths the picture, so that brush strokes vanish, and takes Otsu's threshold of the
            gradient and 0.4 of it, which fits dark and pale paintings alike.

    Raises:
        UsageError: only one is given, or low is above high.
        MissingPart: OpenCV is not installed.
    """
    cv2 = opencv()
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if (low is None) != (high is None):
        raise UsageError("canny takes both thresholds or none: low:high, as in canny:100:200")
    if low is None or high is None:
        grey = cv2.GaussianBlur(grey, (0, 0), max(0.8, _SMOOTHED * min(grey.shape)))
        across, down = (np.abs(cv2.Sobel(grey, cv2.CV_16S, *axis).astype(np.int32)) for axis in ((1, 0), (0, 1)))
        slope = np.minimum(across + down, np.iinfo(np.uint16).max).astype(np.uint16)
        found = float(cv2.threshold(slope, 0, 65535, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])
        low, high = _LOWER_SHARE * found, max(found, 1.0)
    if not 0 <= low <= high:
        raise UsageError(f"canny's thresholds {low:g}:{high:g}: the first may not be above the second")
    return cv2.Canny(grey, low, high)


def hough(picture: np.ndarray, threshold: int | None = None) -> np.ndarray:
    """Returns straight lines by the probabilistic Hough transform of Canny's edges (Matas et al. 2000), white on black.

    ControlNet's own program uses the network M-LSD in its place.

    Args:
        picture: RGB uint8 [h, w, 3].
        threshold: votes that a line needs, 1 or more; None takes an eighth of the shorter side.

    Raises:
        UsageError, MissingPart: as `canny`; a threshold below 1.
    """
    cv2 = opencv()
    if threshold is not None and threshold < 1:
        raise UsageError(f"hough's threshold {threshold}: use 1 or more")
    side = min(picture.shape[:2])
    found = cv2.HoughLinesP(
        canny(picture), 1, np.pi / 180, threshold or max(8, side // 8),
        minLineLength=max(4, side // 8), maxLineGap=max(1, side // 100),
    )  # fmt: skip
    return _drawn([] if found is None else found.reshape(-1, 4), picture.shape[:2])


def lines(picture: np.ndarray, shortest: float = _SHORTEST) -> np.ndarray:
    """Returns line segments by LSD (Grompone von Gioi et al. 2010), white on black: uint8 [h, w].

    Args:
        picture: RGB uint8 [h, w, 3].
        shortest: as a share of the shorter side, 0 .. 1; shorter segments are left out.

    Raises:
        UsageError: `shortest` is out of range.
        MissingPart: OpenCV is not installed.
    """
    cv2 = opencv()
    if not 0 <= shortest <= 1:
        raise UsageError(f"lines' shortest segment {shortest:g}: use 0 to 1, a share of the shorter side")
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    segments = np.zeros((0, 4)) if found is None else found.reshape(-1, 4)
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    return _drawn(segments[lengths >= shortest * min(grey.shape)], grey.shape)


def _drawn(segments: "np.ndarray | list[np.ndarray]", shape: tuple[int, ...]) -> np.ndarray:
    cv2 = opencv()
    drawn = np.zeros(shape[:2], np.uint8)
    for x1, y1, x2, y2 in np.asarray(segments).reshape(-1, 4):
        cv2.line(drawn, (round(float(x1)), round(float(y1))), (round(float(x2)), round(float(y2))), 255, 1)
    return drawn
