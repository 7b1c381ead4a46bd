"""What may be asked of an upscaler: the factor and the size of its tiles. It does not import torch."""

from impasto.errors import UsageError

FACTORS = (2, 4)
TILE = 256  # px of a side: a few hundred MB for the published networks
_SMALLEST_TILE = 16


def check_request(by: int, tile: int) -> None:
    """Raises UsageError if the factor `by` or the tile size is not supported."""
    if by not in FACTORS:
        raise UsageError(f"--by {by}: use {' or '.join(map(str, FACTORS))}")
    if tile and tile < _SMALLEST_TILE:
        raise UsageError(f"--tile {tile}: use {_SMALLEST_TILE} px or more, or 0 for the picture as a whole")
