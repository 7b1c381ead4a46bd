"""The latents of the pictures that a batch starts from, and what is done with them between the steps of the sampler."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from impasto.painting.editing.canvas import Canvas
from impasto.painting.editing.edit import Edit
from impasto.painting.editing.fills import filled, latent_noise
from impasto.painting.editing.inpainting_unet import InpaintingUNet
from impasto.painting.editing.instructed_unet import InstructedUNet
from impasto.painting.editing.masks import max_reduced, shrinking_masks
from impasto.painting.engines.conditioned import ConditionedUNet
from impasto.painting.starting import Start, noised


def to_pixels(image: Image.Image) -> torch.Tensor:
    """Returns an RGB picture as [1, 3, height, width] in -1 .. 1."""
    return torch.from_numpy(np.asarray(image, np.float32) / 255 * 2 - 1).permute(2, 0, 1)[None]


def encoded(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Returns the latents [1, C, h, w] of pixels [1, 3, H, W]: the mean of the encoder's posterior, in the U-Net's scale."""
    config = vae.config
    latents = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist.mode().float()
    return (latents - (config.get("shift_factor") or 0.0)) * config["scaling_factor"]


def for_decoder(latents: torch.Tensor, vae_config: Any) -> torch.Tensor:
    """Returns latents in the scale of the VAE, in which a U-Net that follows instructions sees the picture, too."""
    return latents / vae_config["scaling_factor"] + (vae_config.get("shift_factor") or 0.0)


def placed_mask(edit: Edit, canvas: Canvas) -> np.ndarray:
    """Returns the mask on a canvas, [height, width] in 0 .. 1. A region that is enlarged has an enlarged mask."""
    assert edit.mask is not None
    greys = edit.mask.levels(soft=edit.is_soft)
    image = Image.fromarray(np.rint(greys * 255).astype(np.uint8))
    smaller = canvas.scaled[0] < canvas.region[2] - canvas.region[0]
    if smaller:  # a canvas is at most a few px smaller than its region, by rounding
        left, top, right, bottom = canvas.region
        part = max_reduced(np.asarray(image)[top:bottom, left:right], *canvas.scaled)
        across, down = canvas.size[0] - canvas.scaled[0], canvas.size[1] - canvas.scaled[1]
        return np.pad(part, ((0, down), (0, across)), mode="edge").astype(np.float32) / 255
    return np.asarray(canvas.placed(image, Image.Resampling.NEAREST), np.float32) / 255


class EditedLatents:
    """A batch's source pictures as latents: where the sampler starts, and what is kept of them in every step.

    Everything here is done for each picture alone, so that a picture does not depend on its batch.
    """

    def __init__(
        self,
        edits: Sequence[Edit],
        canvases: Sequence[Canvas],
        sizes: Sequence[tuple[int, int]],
        seeds: Sequence[int],
        vae: Any,
        noise: torch.Tensor,
        scheduler: Any,
        start: Start,
    ) -> None:
        """Encodes the pictures.

        Args:
            edits: of the n pictures, all of one `kind_of_batch`.
            canvases, sizes, seeds: of each, with width and height of the painting.
            vae: the checkpoint's autoencoder.
            noise: the first noise of the n pictures, [n, C, h, w]; the background gets the same in every step.
            scheduler, start: the sampler, set by `begin`.
        """
        self._noise, self._scheduler, self._start = noise, scheduler, start
        self._method = edits[0].masked.method if edits[0].masked is not None else ""
        latent_size = (noise.shape[3], noise.shape[2])
        clean, begun, masks, hidden = [], [], [], []
        known: dict[tuple[Any, ...], torch.Tensor] = {}
        for edit, canvas, size, seed in zip(edits, canvases, sizes, seeds, strict=True):
            image = canvas.placed(edit.picture(*size))
            if (edit, size) not in known:
                known[edit, size] = encoded(vae, to_pixels(image)).to(noise.device)
            own = known[edit, size]
            clean.append(own)
            if edit.masked is None:
                begun.append(own)
                continue
            mask = placed_mask(edit, canvas)
            grid = torch.from_numpy(max_reduced(mask, *latent_size))[None, None].to(noise)
            masks.append(grid)
            fill = edit.masked.fill
            if fill == "latent-noise":
                begun.append(latent_noise(own, grid, seed ^ 0x5EED))
            elif fill == "original":
                begun.append(own)
            else:
                begun.append(encoded(vae, to_pixels(filled(image, mask, fill, seed))).to(noise.device))
            if self._method == "model":
                holed = to_pixels(image) * torch.from_numpy(mask < 0.5)[None, None]
                hidden.append(encoded(vae, holed).to(noise.device))
        self._clean, self._begun = torch.cat(clean), torch.cat(begun)
        self._mask = torch.cat(masks) if masks else None
        self._hidden = torch.cat(hidden) if hidden else None
        guidances = [edit.image_guidance for edit in edits if edit.image_guidance is not None]
        self._image_guidance = torch.tensor(guidances) if guidances else None
        self._picture = for_decoder(self._clean, vae.config)
        thin = edits[0].masked.thin if edits[0].masked is not None else 0
        self._masks = [] if self._mask is None else shrinking_masks(self._mask, thin)
        self._begins = self._indices(self._mask) if self._method == "soft" and self._mask is not None else None

    @property
    def index(self) -> int:
        """The index of the first timestep that is evaluated."""
        return self._start.first

    def first(self) -> torch.Tensor:
        """Returns the latents [n, C, h, w] at the noise level of the first step."""
        index = self._start.first
        if self._start.is_noise:
            latents = self._noise * self._scheduler.init_noise_sigma
        else:
            latents = noised(self._scheduler, self._begun, self._noise, index)
        return self.after(index, latents)

    def after(self, index: int, latents: torch.Tensor) -> torch.Tensor:
        """Returns the latents with what is kept of the source picture, at the noise level of timestep `index`.

        `blend`: outside the mask, the source with this level's noise (Avrahami et al. 2022, algorithm 1). After the last
        step it is clean; the authors' program leaves the noise of the last step there.

        `soft`: as long as a pixel's share of the steps has not begun, the source with this level's noise (Levin and Fried
        2023, algorithm 1).
        """
        if self._mask is None or self._method == "model":
            return latents
        background = noised(self._scheduler, self._clean, self._noise, index)
        if self._begins is not None:
            # At the very first step, what is painted wholly anew is noise alone, as everywhere at strength 1.
            kept = self._begins > index if index == self._start.first else self._begins >= index
            return torch.where(kept, background, latents)
        return torch.where(self._mask_at(index) > 0.5, latents, background)

    def unet(self, unet: ConditionedUNet) -> ConditionedUNet:
        """Returns the U-Net, which for the method `model` also sees the mask and the picture around it, and for an
        instruction the picture.
        """
        if self._image_guidance is not None:
            return InstructedUNet(unet, self._picture, self._image_guidance)
        if self._method != "model" or self._mask is None or self._hidden is None:
            return unet
        return InpaintingUNet(unet, torch.cat([(self._mask > 0.5).to(self._hidden), self._hidden], dim=1))

    def _mask_at(self, index: int) -> torch.Tensor:
        """The mask after the step that led to `index`: the widest first, each for as many steps; at the end, its own."""
        steps = len(self._scheduler.timesteps) - self._start.first
        done = index - self._start.first - 1
        if done >= steps - 1:
            return self._masks[-1]
        return self._masks[min(max(done, 0) // (steps // len(self._masks) + 1), len(self._masks) - 1)]

    def _indices(self, mask: torch.Tensor) -> torch.Tensor:
        """For each latent pixel [n, 1, h, w], the index of the timestep from which on it is painted."""
        greys = torch.round(mask * 255).long()
        lightest = max(1, int(greys.max()))  # the same in all pictures of a batch: their strengths are
        table = [self._start.index_at(min(1.0, grey / lightest)) for grey in range(256)]
        return torch.tensor(table, device=mask.device)[greys]
