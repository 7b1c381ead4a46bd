"""Maps of colour and tone: blurred, reduced to a few pixels, grey, and flat areas of colour."""

import numpy as np

from impasto.errors import UsageError
from impasto.vision.control_maps.opencv import opencv

_USUAL_BLUR = 1 / 32  # of the shorter side
_USUAL_TILES = 16


def blur(picture: np.ndarray, deviation: float | None = None) -> np.ndarray:
    """Returns the picture blurred: RGB uint8 [h, w, 3].

    Args:
        picture: RGB uint8 [h, w, 3].
        deviation: of the Gaussian, in pixels, above 0; None takes a thirty-second of the shorter side.

    Raises:
        UsageError: a deviation of 0 or less.
        MissingPart: OpenCV is not installed.
    """
    if deviation is not None and not 0 < deviation <= max(picture.shape[:2]):
        raise UsageError(f"a blur of {deviation:g} px: use more than 0, at most the picture's side")
    return opencv().GaussianBlur(picture, (0, 0), deviation or max(0.5, _USUAL_BLUR * min(picture.shape[:2])))


def tile(picture: np.ndarray, cells: int | None = None) -> np.ndarray:
    """Returns the picture reduced to `cells` means along its shorter side and enlarged again: RGB uint8 [h, w, 3].

    Args:
        picture: RGB uint8 [h, w, 3].
        cells: 1 or more; None for 16.

    Raises:
        UsageError: `cells` is below 1.
        MissingPart: OpenCV is not installed.
    """
    cells = _USUAL_TILES if cells is None else cells
    if cells < 1:
        raise UsageError(f"tile of {cells} cells: use 1 or more")
    cv2 = opencv()
    height, width = picture.shape[:2]
    share = min(1.0, cells / min(height, width))
    small = cv2.resize(picture, (max(1, round(width * share)), max(1, round(height * share))), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def grey(picture: np.ndarray) -> np.ndarray:
    """Returns the brightness of an RGB picture uint8 [h, w, 3] (ITU-R BT.601): uint8 [h, w]."""
    cv2 = opencv()
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def flat(picture: np.ndarray) -> np.ndarray:
    """Returns the picture simplified to flat areas of colour by mean shift (Comaniciu and Meer 2002): RGB uint8 [h, w, 3].

    Raises:
        MissingPart: OpenCV is not installed.
    """
    cv2 = opencv()
    radius = max(4, min(picture.shape[:2]) // 24)
    return cv2.pyrMeanShiftFiltering(picture, radius, 32)


def unchanged(picture: np.ndarray) -> np.ndarray:
    """Returns a picture that is a control map already."""
    return picture
