"""Blurs a flagged painting so that its content cannot be made out, while its colours can."""

from PIL import Image, ImageFilter

_SHARE = 1 / 12  # of the longer side


def blurred(image: Image.Image) -> Image.Image:
    """Returns the picture under a Gaussian blur of a twelfth of its longer side; the same picture gives the same result."""
    return image.filter(ImageFilter.GaussianBlur(max(image.size) * _SHARE))
