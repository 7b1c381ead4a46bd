"""The way from what the model painted to the finished picture: reduced, cut, and laid over the input, whose rest stays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.painting.editing.background import reconstruct
from impasto.painting.editing.canvas import Canvas
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.latents import placed_mask, to_pixels
from impasto.painting.editing.masks import seam


def finished(edit: Edit, canvas: Canvas, size: tuple[int, int], painted: Image.Image) -> Image.Image:
    """Returns the whole picture of this size. Outside a mask, its pixels are those of the input, each byte of them.

    Args:
        painted: what the model painted, RGB, in the canvas's size.
    """
    part = canvas.returned(painted)
    if edit.masked is None or edit.mask is None:
        return part
    whole = edit.picture(*size)
    left, top, right, bottom = canvas.region
    pixels = np.asarray(whole).copy()
    new = np.asarray(part)
    if edit.masked.outside == "exact":
        share = seam(edit.mask.levels(soft=edit.is_soft), edit.masked.blur)[top:bottom, left:right, None]
        old = pixels[top:bottom, left:right]
        mixed = np.rint(old + share * (new.astype(np.float32) - old)).astype(np.uint8)
        new = np.where(share <= 0, old, np.where(share >= 1, new, mixed))
    pixels[top:bottom, left:right] = new
    return Image.fromarray(pixels)


def with_background(
    edit: Edit,
    canvas: Canvas,
    size: tuple[int, int],
    vae: Any,
    latents: torch.Tensor,
    pixels: torch.Tensor,
    say: Callable[[str], None],
) -> torch.Tensor:
    """Returns the decoded pixels [3, H, W], with the background reconstructed if the edit asks for it.

    Args:
        latents: [1, C, h, w], as the decoder takes them.
        pixels: [3, H, W], as they were decoded.
        say: called with the time and the figures, in one line.
    """
    how = edit.masked.background if edit.masked is not None else None
    if how is None or how.method == "paste" or edit.mask is None:
        return pixels
    mask = torch.from_numpy((placed_mask(edit, canvas) > 0).astype(np.float32))[None, None]
    picture = to_pixels(canvas.placed(edit.picture(*size)))
    made = reconstruct(vae, latents, pixels[None], picture, mask, how)
    say(made.tell(how.method, how.steps))
    return made.pixels[0]
