"""Imports OpenCV, which the condition makers compute with."""

from typing import Any

from impasto.errors import MissingPart


def opencv() -> Any:
    """Returns the module `cv2`, which computes on at most two threads.

    Raises:
        MissingPart: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise MissingPart("OpenCV is not installed: pip install 'impasto[control]'") from None
    return cv2
