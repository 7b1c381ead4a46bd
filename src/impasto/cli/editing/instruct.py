"""`impasto instruct`: changes a picture as an instruction says."""

from dataclasses import fields
from functools import partial
from typing import Annotated

import typer

from impasto.cli.editing.inpaint import Count, File, Out
from impasto.cli.painting.paint import AsJson, Batch, Overwrite, say_painting, say_painting_as_json
from impasto.cli.painting.picture_options import PictureOptions, with_picture
from impasto.cli.run_job import run_job
from impasto.painting.editing.record import IMAGE_GUIDANCE

# An instruction says what changes, not what the picture shows; and a U-Net that sees the picture takes no other control.
_WITHOUT = (
    "prompt", "artist", "any_artist", "year", "style", "genre", "expand", "expand_rank", "index", "prompt_model",
    "expand_seed", "expand_style", "expansion_config", "init", "memory", "like",
    *(option.name for option in fields(PictureOptions) if option.name.startswith("control")),
)  # fmt: skip


@partial(with_picture, without=_WITHOUT)
def instruct(
    *,
    file: File,
    instruction: Annotated[str, typer.Argument(help="What is to change.", metavar="INSTRUCTION")],
    picture: PictureOptions,
    image_guidance: Annotated[
        float, typer.Option(help="How closely to follow the picture, 0 to 50; 1 to 2.5 are usual.")
    ] = IMAGE_GUIDANCE,
    count: Count = 1,
    batch: Batch = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Change a picture as an instruction says: "make it winter" (InstructPix2Pix, Brooks et al. 2023).

    --checkpoint names one that was trained for it. --guidance, how closely to follow the instruction, is 7.5 if not given.
    """
    from impasto.jobs.editing.instruct import InstructJob

    given = {name: value for name, value in picture.fields().items() if name not in _WITHOUT}
    job = InstructJob(
        **given, file=file, prompt=instruction, image_guidance=image_guidance, count=count, batch=batch,
        preview_every=preview_every, out=out, overwrite=overwrite,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)
