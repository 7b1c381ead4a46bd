"""`impasto outpaint`: adds to a picture at any of its sides."""

from functools import partial
from typing import Annotated

import typer

from impasto.cli.editing.inpaint import Count, File, MaskBlur, Out
from impasto.cli.painting.paint import AsJson, Batch, Overwrite, say_painting, say_painting_as_json
from impasto.cli.painting.picture_options import OF_NEW_PICTURES, PictureOptions, with_picture
from impasto.cli.run_job import run_job

_side = partial(typer.Option, rich_help_panel="Sides")


@partial(with_picture, without=OF_NEW_PICTURES)
def outpaint(
    *,
    file: File,
    picture: PictureOptions,
    left: Annotated[int, _side(help="Px to add at the left.")] = 0,
    up: Annotated[int, _side(help="Px to add above.")] = 0,
    right: Annotated[int, _side(help="Px to add at the right.")] = 0,
    down: Annotated[int, _side(help="Px to add below.")] = 0,
    method: Annotated[
        str, typer.Option(help="blend, or model for checkpoints trained to inpaint.", metavar="blend|model")
    ] = "blend",
    fill: Annotated[
        str,
        typer.Option(help="What is in the new part before; original: the edge, repeated.",
                     metavar="original|blur|noise|latent-noise"),
    ] = "blur",
    mask_blur: MaskBlur = 4,
    count: Count = 1,
    batch: Batch = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Extend the canvas of a picture and paint what is new; the picture itself stays as it is, byte for byte.

    --strength is 0.9 if not given. What is wider than half of the checkpoint's pictures is added in strips.
    """
    from impasto.jobs.editing.outpaint import OutpaintJob

    given = {name: value for name, value in picture.fields().items() if name not in OF_NEW_PICTURES}
    job = OutpaintJob(
        **given, file=file, left=left, up=up, right=right, down=down, method=method, fill=fill, mask_blur=mask_blur,
        count=count, batch=batch, preview_every=preview_every, out=out, overwrite=overwrite,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)
