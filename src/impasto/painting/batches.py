"""How many pictures are painted at once, and the conversion of a model's pixels to a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image

from impasto.errors import ImpastoError

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest

# The most pixels in one batch: 8 pictures of 256 px on a CPU, 16 of 512 px on an accelerator.
_CPU_PIXELS, _ACCELERATOR_PIXELS = 8 * 256 * 256, 16 * 512 * 512
# Larger batches gain nothing on a CPU, and delay the first picture.
_CPU_BATCH, _ACCELERATOR_BATCH = 8, 32


def fitting_batch(pixels: int, device: torch.device) -> int:
    """Returns how many pictures of `pixels` pixels each are painted at once on this device, at least 1."""
    on_cpu = device.type == "cpu"
    budget = _CPU_PIXELS if on_cpu else _ACCELERATOR_PIXELS
    return max(1, min(_CPU_BATCH if on_cpu else _ACCELERATOR_BATCH, budget // pixels))


def check_memory_error(error: RuntimeError, batch: "Sequence[PaintRequest]") -> None:
    """Raises ImpastoError if `error` says that a batch does not fit into memory."""
    # The CPU's allocator raises no OutOfMemoryError, only a RuntimeError with these words.
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        size = f"{len(batch)} pictures of {batch[0].width}x{batch[0].height}"
        raise ImpastoError(f"{size} at once do not fit into memory: use a smaller batch or size") from None


def to_image(pixels: torch.Tensor) -> Image.Image:
    """Converts [3, H, W] in -1 .. 1 to an RGB picture."""
    levels = (pixels / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).mul(255).round().to(torch.uint8)
    return Image.fromarray(levels.cpu().numpy())
