"""Local blend: an edit that stays where the words of the edit act (Hertz et al. 2022, section 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from impasto.painting.prompt_to_prompt.attention import AttentionMaps

_BEGINS = 0.2  # of the steps: earlier maps say little
_THRESHOLD = 0.3


@dataclass(frozen=True)
class LocalBlend:
    """The words of the source and of one edited picture whose area may change.

    Attributes:
        source, edited: numbers of their tokens.
        row: of the edited picture in the batch.
    """

    source: tuple[int, ...]
    edited: tuple[int, ...]
    row: int = 1

    def blend(self, latents: torch.Tensor, maps: AttentionMaps, share: float) -> torch.Tensor:
        """Returns latents [rows, C, h, w] whose edited row is the source outside the area of the words."""
        if share < _BEGINS or not maps.sums:
            return latents
        area = self.area(maps, latents.shape[-2:]).to(latents.device)
        made = latents.clone()
        made[self.row] = torch.where(area, latents[self.row], latents[0])
        return made

    def area(self, maps: AttentionMaps, size: Sequence[int]) -> torch.Tensor:
        """Returns where either picture's words act: bool [h, w]."""
        found = maps.finest()
        areas = [word_map(found[row], tokens, size) for row, tokens in ((0, self.source), (self.row, self.edited)) if tokens]
        return torch.stack([area > _THRESHOLD for area in areas]).any(dim=0)


def word_map(maps: torch.Tensor, tokens: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """Returns where tokens act, in 0..1, of `size` (h, w): the mean of their maps, widened by one cell.

    Args:
        maps: [positions, tokens] of one picture.
        size: height and width in the ratio of the picture; the maps' own height and width follow from it.
    """
    height, width = map_shape(maps.shape[0], size)
    own = maps[:, list(tokens)].mean(dim=1).view(1, 1, height, width)
    wide = F.interpolate(F.max_pool2d(own, 3, stride=1, padding=1), size=tuple(size), mode="nearest")[0, 0]
    return wide / wide.max().clamp(min=1e-12)


def map_shape(positions: int, size: Sequence[int]) -> tuple[int, int]:
    """Returns the height and width of maps with so many positions, in the ratio of `size`."""
    height, width = int(size[0]), int(size[1])
    while height * width > positions:
        height, width = -(-height // 2), -(-width // 2)  # a stride-2 convolution rounds up
    if height * width != positions:
        raise ValueError(f"{positions} positions are no map of {tuple(size)}")
    return height, width
