"""The body of a request becomes a job."""

from typing import Any

from impasto.errors import UsageError
from impasto.jobs import job_class
from impasto.jobs.base import Job
from impasto.studio.api.options import get_checkpoints
from impasto.studio.clients.a1111.asked import open_image
from impasto.studio.clients.openai.fields import Asking
from impasto.studio.clients.sizes import MOST_TIMES, painted_size, side_of
from impasto.studio.clients.work import PREVIEW_EVERY
from impasto.studio.state import Studio

_PADDING = 32  # px around a mask that are painted with it


def generation(asked: Asking, studio: Studio, usual: str) -> tuple[Job, list[str]]:
    """Makes the job of a generation, and notes on what is different. `usual` is the checkpoint for other models.

    Raises:
        UsageError: a value does not fit.
    """
    fields, checkpoint, notes = _common(asked, studio, usual)
    width, height, note = painted_size(*asked.sides(), side_of(studio, checkpoint))
    return job_class("paint")(**fields, width=width, height=height), [*notes, *([note] if note else [])]


def edit(asked: Asking, pictures: list[bytes], mask: bytes | None, studio: Studio, usual: str) -> tuple[Job, list[str]]:
    """Makes the job of an edit: the transparent part of the mask, or of the picture, is painted anew; without one, all.

    Raises:
        UsageError: a value does not fit, or a picture is none.
    """
    fields, checkpoint, notes = _common(asked, studio, usual)
    side, sizes = side_of(studio, checkpoint), asked.sides()
    picture = open_image(pictures[0], "image")
    if len(pictures) > 1:
        notes.append(f"the first of {len(pictures)} pictures is edited")
    file = studio.uploads.file(studio.uploads.keep(pictures[0]))
    if mask is None and not _is_transparent(picture):
        if sizes != (None, None):
            width, height, note = painted_size(*sizes, side)
            fields |= {"width": width, "height": height}
            notes += [note] if note else []
        return job_class("paint")(**fields, init=file), notes
    if sizes not in ((None, None), picture.size):
        notes.append(f"the picture keeps its {picture.width}x{picture.height} px")
    fields |= {"file": file, "mask_alpha": True}
    if mask is not None:
        if not _is_transparent(open_image(mask, "mask")):
            raise UsageError("mask: no part of it is transparent: what is transparent is painted anew")
        fields |= {"mask": studio.uploads.file(studio.uploads.keep(mask)), "resize_mask": True}
    if max(picture.size) > MOST_TIMES * side:
        fields |= {"only_masked": True, "padding": _PADDING}  # the checkpoint paints no picture that large
        notes.append("the part around the mask is painted alone, and brought to the picture's size")
    return job_class("inpaint")(**fields), notes


def _common(asked: Asking, studio: Studio, usual: str) -> tuple[dict[str, Any], str, list[str]]:
    notes = asked.notes()
    checkpoint = usual
    if asked.model in [one.name for one in get_checkpoints(studio)]:
        checkpoint = asked.model or usual
    elif asked.model:
        notes.append(f"{usual} paints, in place of {asked.model!r}: /v1/models lists the checkpoints")
    fields: dict[str, Any] = {
        "prompt": " ".join(asked.prompt.split()), "negative": " ".join((asked.negative_prompt or "").split()),
        "checkpoint": studio.references.resolve("checkpoint", checkpoint), "steps": asked.steps_asked(), "seed": asked.seed,
        "guidance": asked.cfg_scale, "count": asked.n or 1, "preview_every": PREVIEW_EVERY,
    }  # fmt: skip
    return fields, checkpoint, notes


def _is_transparent(image: Any) -> bool:
    return image.mode in ("RGBA", "LA", "PA") and image.getchannel("A").getextrema()[0] < 128
