"""Pictures of where words acted: heat over the painting, and a sheet with all words."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from impasto.painting.prompt_to_prompt.attention import AttentionMaps
from impasto.painting.prompt_to_prompt.local_blend import map_shape
from impasto.painting.prompt_to_prompt.words import TokenText

_SHOWN = 0.65  # of the colour over the picture, where a word acts most


def word_share(maps: AttentionMaps, text: TokenText, words: str, size: tuple[int, int]) -> torch.Tensor:
    """Returns the share of attention that `words` have at each place of the source picture: [h, w] of the maps.

    Args:
        size: height and width of the latents.

    Raises:
        UsageError: the text lacks the words.
    """
    finest = maps.finest()[0]
    height, width = map_shape(finest.shape[0], size)
    return finest[:, text.tokens_of(words)].sum(dim=1).view(height, width)


def heat_map(picture: Image.Image, share: torch.Tensor) -> Image.Image:
    """Returns the picture with the share as heat over it: nothing where it is least, red and yellow where it is most."""
    low, high = share.min(), share.max()
    spread = ((share - low) / (high - low).clamp(min=1e-12)).numpy()
    grey = Image.fromarray((255 * spread).round().astype(np.uint8))
    heat = np.asarray(grey.resize(picture.size, Image.Resampling.BICUBIC), np.float32)[..., None] / 255
    colour = np.concatenate([np.minimum(1, 0.3 + heat), np.maximum(0, 1.6 * heat - 0.6), 0 * heat], axis=2) * 255
    shown = np.asarray(picture.convert("RGB"), np.float32)
    dimmed = shown.mean(axis=2, keepdims=True) * 0.5 + 0.5 * shown
    return Image.fromarray((dimmed * (1 - _SHOWN * heat) + colour * _SHOWN * heat).clip(0, 255).astype(np.uint8))


def contrast(share: torch.Tensor) -> float:
    """Returns how much more the word acts at its best place than on average: 1 for a word that acts everywhere alike."""
    return float(share.max() / share.mean().clamp(min=1e-12))


def distinct(words: Sequence[str]) -> list[str]:
    """Returns the words, each once, in their order."""
    return list(dict.fromkeys(word.lower() for word in words))
