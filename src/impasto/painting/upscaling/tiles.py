"""Upscales pictures with a network, tile by tile.

The tiles overlap by the network's receptive field, so that there are no seams and memory use stays low.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from impasto.checkpoints.upscaler.compact import CompactUpscaler
from impasto.checkpoints.upscaler.load import load_upscaler
from impasto.data.catalogue.pictures import MAX_PIXELS
from impasto.errors import ImpastoError
from impasto.painting.upscaling.request import TILE, check_request
from impasto.settings import choose_device

Tiles = Callable[[int, int], None]  # called with (tiles done, total)


@dataclass(frozen=True)
class Upscaler:
    """A loaded network that enlarges pictures of any size.

    Attributes:
        name, content_hash: the upscaler's name, and the SHA-256 of its weights' file.
    """

    network: CompactUpscaler
    name: str
    content_hash: str

    @classmethod
    def load(cls, model: str | Path | None = None, *, device: str = "auto") -> "Upscaler":
        """Loads the upscaler that ships with Impasto, or the one that `model` names (see `load_upscaler`).

        Raises:
            UsageError, MissingPart, ImpastoError: as `load_upscaler` and `choose_device`.
        """
        loaded = load_upscaler(model, choose_device(device))
        return cls(loaded.network, loaded.name, loaded.content_hash)

    @property
    def scale(self) -> int:
        """The factor by which one pass enlarges width and height."""
        return self.network.shape.scale

    def upscale(
        self, image: Image.Image, by: int = 2, *, tile: int = TILE, on_progress: Tiles | None = None
    ) -> Image.Image:
        """Returns the picture `by` (2 or 4) times as wide and high, in its own mode: L, LA, RGB or RGBA (any other becomes
        RGB).

        The network runs as often as needed; if that enlarges by more than `by`, Lanczos resampling reduces the result. The
        alpha channel is enlarged by bicubic interpolation. The tiles change no pixel by more than rounding does.

        Args:
            tile: px of a tile's side, at the small size; 0 for the picture as a whole.
            on_progress: called with (tiles done, total).

        Raises:
            UsageError: another `by`, or a tile that is too small.
            ImpastoError: the picture would have more than 100 megapixels.
        """
        check_request(by, tile)
        width, height = image.size
        passes = self._passes(by)
        largest = max(by, self.scale**passes)
        if width * height * largest**2 > MAX_PIXELS:
            size = f"{width * largest}x{height * largest} px is more than {MAX_PIXELS / 1e6:g} megapixels"
            raise ImpastoError(f"{width}x{height} px by {by} is too much: {size}")
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            image = image.convert("RGB")
        pixels = np.array(image.convert("RGB"), np.uint8)
        whole = sum(_count(width, tile, self.scale**n) * _count(height, tile, self.scale**n) for n in range(passes))
        done = 0

        def one_more() -> None:
            nonlocal done
            done += 1
            if on_progress is not None:
                on_progress(done, whole)

        for _ in range(passes):
            pixels = self._pass(pixels, tile, one_more)
        size = (width * by, height * by)
        made = Image.fromarray(pixels)
        made = made if made.size == size else made.resize(size, Image.Resampling.LANCZOS)
        if image.mode in ("L", "LA"):
            made = made.convert("L")
        if image.mode in ("LA", "RGBA"):
            made.putalpha(image.getchannel("A").resize(size, Image.Resampling.BICUBIC))
        if profile := image.info.get("icc_profile"):
            made.info["icc_profile"] = profile
        return made

    def _passes(self, by: int) -> int:
        passes = 1
        while self.scale**passes < by:
            passes += 1
        return passes

    @torch.inference_mode()
    def _pass(self, pixels: np.ndarray, tile: int, one_more: Callable[[], None]) -> np.ndarray:
        """uint8 [h, w, 3] -> uint8 [scale * h, scale * w, 3]."""
        height, width = pixels.shape[:2]
        scale, device = self.scale, next(self.network.parameters()).device
        made = np.empty((height * scale, width * scale, 3), np.uint8)
        for top, bottom in _spans(height, tile):
            for left, right in _spans(width, tile):
                # At the picture's own edges a tile ends where the picture ends: the network pads both in the same way.
                reach = self.network.shape.reach
                y, x = max(0, top - reach), max(0, left - reach)
                seen = np.ascontiguousarray(pixels[y : bottom + reach, x : right + reach])
                given = torch.from_numpy(seen).to(device).permute(2, 0, 1)[None].float().div_(255)
                large = self.network(given)[0].clamp_(0, 1).mul_(255).round_().byte().permute(1, 2, 0).cpu().numpy()
                rows, columns = (bottom - top) * scale, (right - left) * scale
                from_y, from_x = (top - y) * scale, (left - x) * scale
                made[top * scale : bottom * scale, left * scale : right * scale] = large[
                    from_y : from_y + rows, from_x : from_x + columns
                ]
                one_more()
        return made


def _spans(length: int, tile: int) -> Iterator[tuple[int, int]]:
    """Yields the begin and end of each tile along a side. All are of nearly equal size, so that no sliver is left over."""
    count = _count(length, tile, 1)
    for number in range(count):
        yield number * length // count, (number + 1) * length // count


def _count(length: int, tile: int, enlarged: int) -> int:
    return -(-length * enlarged // tile) if tile else 1
