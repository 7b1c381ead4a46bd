"""Cut-outs: random parts of a picture at a scorer's size, with small changes (Crowson 2021; the line of Disco Diffusion).

A scorer's gradient at one picture is noise that only that scorer sees. Averaged over parts that are moved, mirrored and
greyed, what remains is nearer to what the text means.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

_SMALLEST = 0.5  # a part's side, as a share of the picture's shorter one
_MIRRORED, _GREY, _NOISE = 0.5, 0.15, 0.01  # chances, and the deviation of the noise, in 0 .. 1
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Part:
    """A square part of a picture.

    Attributes:
        left, top, side: as shares: of what the side leaves free across and down, and of the shorter side.
        mirrored, grey: how it is changed.
    """

    left: float
    top: float
    side: float
    mirrored: bool = False
    grey: bool = False


def draw_parts(count: int, generator: torch.Generator) -> list[Part | None]:
    """Returns `count` parts at random; the first is None, the whole picture."""
    shares = torch.rand((max(0, count - 1), 5), generator=generator).tolist()
    return [None, *(Part(a, b, _SMALLEST + (1 - _SMALLEST) * c, d < _MIRRORED, e < _GREY) for a, b, c, d, e in shares)]


def cut(pixels: torch.Tensor, parts: list[Part | None], side: int, generator: torch.Generator) -> torch.Tensor:
    """Returns the parts of one picture [1, 3, H, W] in 0 .. 1, each as a square of `side` px: [parts, 3, side, side].

    The whole picture is squeezed to a square, as scorers see it. Gradients flow back to `pixels`.
    """
    height, width = pixels.shape[2:]
    found = []
    for part in parts:
        piece = pixels
        if part is not None:
            wide = max(1, round(min(height, width) * part.side))
            left, top = round((width - wide) * part.left), round((height - wide) * part.top)
            piece = pixels[..., top : top + wide, left : left + wide]
        piece = resized(piece, side)
        if part is not None:
            if part.mirrored:
                piece = piece.flip(3)
            if part.grey:
                weights = torch.tensor(_LUMA, device=piece.device, dtype=piece.dtype).view(1, 3, 1, 1)
                piece = (piece * weights).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1)
            noise = torch.randn((1, 3, side, side), generator=generator)
            piece = piece + _NOISE * noise.to(piece)
        found.append(piece)
    return torch.cat(found)


def resized(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Returns pictures [n, 3, H, W] as squares of `side` px, bicubic, with gradients."""
    if pixels.shape[2:] == (side, side):
        return pixels
    return F.interpolate(pixels, (side, side), mode="bicubic", antialias=True, align_corners=False)
