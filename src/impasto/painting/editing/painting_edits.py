"""What a painter does for requests that start from a picture: sizes, first latents, and the finished picture."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from impasto.checkpoints.size import latent_factor
from impasto.painting.batches import to_image
from impasto.painting.editing.canvas import Canvas, canvas_of
from impasto.painting.editing.finishing import finished, with_background
from impasto.painting.editing.kept_files import KeptFile, kept_files
from impasto.painting.editing.latents import EditedLatents, for_decoder
from impasto.painting.editing.outpainting import plan_strips
from impasto.painting.editing.trained_for import check_channels
from impasto.painting.painted_size import painted_size, reduced
from impasto.painting.starting import begin

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components
    from impasto.painting.request import PaintRequest


def check_edit(request: "PaintRequest", components: "Components") -> None:
    """Checks that a checkpoint can paint a request's edit, or that it paints without one.

    Raises:
        UsageError: it was trained for inpainting alone, or the method needs such a checkpoint; the picture is too large.
    """
    check_channels(components, request.method)
    edit = request.edit
    if edit is None or edit.is_unchanged:
        return
    if edit.sides is None:
        canvas_of_request(request, components)
        return
    factor = latent_factor(components.vae.config)
    for strip in plan_strips(edit.source.size, edit.sides, components.default_size):
        canvas_of(strip.region, components.default_size, factor)


def canvas_of_request(request: "PaintRequest", components: "Components") -> Canvas:
    """Returns the canvas of a request that starts from a picture.

    Raises:
        UsageError: it is too large to be painted at once.
    """
    assert request.edit is not None
    factor = latent_factor(components.vae.config)
    return request.edit.canvas(request.width, request.height, components.default_size, factor)


def size_to_paint(request: "PaintRequest", components: "Components") -> tuple[int, int]:
    """Returns the width and height in px that the model paints; of an outpainting, which is painted in parts, its own."""
    if request.edit is not None and request.edit.sides is not None:
        return request.width, request.height
    if request.edit is not None:
        return canvas_of_request(request, components).size
    factor = latent_factor(components.vae.config)
    return painted_size(request.width, request.height, components.default_size, factor)


def kind_of_edit(request: "PaintRequest", components: "Components") -> tuple[Any, ...]:
    """Returns what edits that share a batch must have in common; () if the request starts from noise."""
    if request.edit is None:
        return ()
    if request.edit.sides is not None:
        return ("outpaint", request.edit.sides)
    return request.edit.kind_of_batch(canvas_of_request(request, components))


def evaluations(request: "PaintRequest", scheduler: Any) -> int:
    """Returns how many of the timesteps of a new scheduler are evaluated; the scheduler is used up."""
    if request.edit is None:
        return len(scheduler.timesteps)
    if request.edit.is_unchanged:
        return 0
    return len(scheduler.timesteps) - begin(scheduler, request.steps, request.edit.run_strength).first


def edited_latents(
    batch: "Sequence[PaintRequest]", noise: torch.Tensor, scheduler: Any, components: "Components"
) -> EditedLatents | None:
    """Returns the latents of the pictures that a batch starts from; None if it starts from noise.

    Args:
        noise: the first noise of each, [n, C, h, w].
        scheduler: with its timesteps set; it is set to begin at the batch's strength.
    """
    edits = [request.edit for request in batch if request.edit is not None]
    if not edits:
        return None
    start = begin(scheduler, batch[0].steps, edits[0].run_strength)
    canvases = [canvas_of_request(request, components) for request in batch]
    sizes = [(request.width, request.height) for request in batch]
    seeds = [request.seed for request in batch]
    return EditedLatents(edits, canvases, sizes, seeds, components.vae, noise, scheduler, start)


def finished_picture(
    request: "PaintRequest",
    components: "Components",
    latents: torch.Tensor,
    pixels: torch.Tensor,
    say: Callable[[str], None],
) -> tuple[Image.Image, tuple[KeptFile, ...]]:
    """Returns the picture of a request, and the files that are saved with it.

    Args:
        latents: [1, C, h, w], in the U-Net's scale.
        pixels: decoded from them, [3, H, W] in about -1 .. 1.
        say: called with a sentence about the background's reconstruction.
    """
    size = (request.width, request.height)
    if request.edit is None:
        return reduced(to_image(pixels), *size), ()
    canvas = canvas_of_request(request, components)
    pixels = with_background(
        request.edit, canvas, size, components.vae, for_decoder(latents, components.vae.config), pixels, say
    )
    return finished(request.edit, canvas, size, to_image(pixels)), kept_files(request.edit)


def unchanged_picture(request: "PaintRequest") -> tuple[Image.Image, tuple[KeptFile, ...]] | None:
    """Returns the picture of a request whose mask is empty, as it was, and the files saved with it; else None."""
    if request.edit is None or not request.edit.is_unchanged:
        return None
    return request.edit.picture(request.width, request.height), kept_files(request.edit)
