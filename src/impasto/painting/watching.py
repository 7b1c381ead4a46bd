"""Tells a caller of the painter how far it is: evaluations done, and previews of the unfinished pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image

from impasto.painting.batches import to_image

# (index of the request, steps done, the model's current prediction of the picture, at most 256 px a side)
OnPreview = Callable[[int, int, Image.Image], None]
# (evaluations of the model done, evaluations in all batches of this call)
OnStep = Callable[[int, int], None]
# (evaluations done in this batch, the clean latents [n, C, h, w] that the model predicts, whether it was the last)
OnBatchStep = Callable[[int, Callable[[], torch.Tensor], bool], None]

_PREVIEW_SIDE = 256


@dataclass(frozen=True)
class Watching:
    """The callbacks of one call.

    Attributes:
        total: evaluations in all batches.
        preview_every: number of steps between two previews; 0 for none.
        pixels: decodes latents [1, C, h, w] to [3, H, W].
    """

    on_step: OnStep | None
    on_preview: OnPreview | None
    preview_every: int
    total: int
    pixels: Callable[[torch.Tensor], torch.Tensor]

    def part(self, number: int, count: int, first: int) -> dict[str, OnStep | OnPreview | None]:
        """Returns the callbacks for one of `count` calls of the painter that paint request `first` and the next together."""
        tell, show = self.on_step, self.on_preview
        return {
            "on_step": None if tell is None else lambda done, of: tell(number * of + done, count * of),
            "on_preview": None if show is None else lambda place, done, image: show(first + place, done, image),
        }

    def batch(self, first: int, done_before: int) -> OnBatchStep:
        """Returns the callback of a batch whose first picture is that of request `first`."""

        def step(done: int, clean: Callable[[], torch.Tensor], last: bool) -> None:
            if self.on_step is not None:
                self.on_step(done_before + done, self.total)
            if self.on_preview is not None and self.preview_every and done % self.preview_every == 0 and not last:
                for offset, latents in enumerate(clean().split(1)):
                    preview = to_image(self.pixels(latents))
                    preview.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
                    self.on_preview(first + offset, done, preview)

        return step
