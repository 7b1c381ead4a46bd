"""Computes a picture's appearance, a 64-bit perceptual hash and a small thumbnail.

The 64 bits are the signs of the lowest frequencies of a 32 x 32 grey picture's cosine transform (`imagehash.phash`, after
Zauner 2010). Scaling, compression and changes of tone flip few of them. The hash carries little information about dark or
flat pictures and none about colour, so the thumbnail confirms a match.
"""

from dataclasses import dataclass

from PIL import Image

THUMBNAIL = 12  # px of a side
HASHED_SIDE = 96  # minimum side in px that a picture is decoded to before it is hashed


@dataclass(frozen=True, slots=True)
class Appearance:
    """A picture's size in px, its 64-bit hash and its thumbnail: `THUMBNAIL` x `THUMBNAIL` x 3 bytes of RGB."""

    width: int
    height: int
    bits: int
    thumbnail: bytes


def appearance_of(image: Image.Image, width: int, height: int) -> Appearance:
    """Computes the appearance of an RGB picture, which may be a smaller version of one of `width` x `height` px."""
    import imagehash
    import numpy as np

    small = image.resize((HASHED_SIDE, HASHED_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    signs = np.packbits(imagehash.phash(small).hash.reshape(-1))
    thumbnail = small.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return Appearance(width, height, int.from_bytes(signs.tobytes(), "big"), thumbnail.tobytes())
