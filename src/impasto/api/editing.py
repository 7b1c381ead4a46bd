"""Python API of editing: paints within a mask and beyond the edge of a picture, into files with their records."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from impasto.api.painting import SharedFields
from impasto.api.session import OnEvent, ShouldStop, as_path, run_job

if TYPE_CHECKING:
    from impasto.jobs.painting.paint_files import PaintedFile


class EditingFields(SharedFields, total=False):
    """The settings that `inpaint` and `outpaint` share with `paint`; see `impasto.api.painting.PictureFields`."""

    method: str
    fill: str
    mask_blur: int
    count: int
    batch: int | None
    preview_every: int


class InpaintingFields(EditingFields, total=False):
    """The settings of `inpaint`; see `impasto.jobs.editing.inpaint.InpaintJob`."""

    mask_alpha: bool
    invert_mask: bool
    resize_mask: bool
    thin: int
    only_masked: bool
    padding: int | None
    keep_outside: str
    background: str
    background_steps: int
    background_weight: float
    background_rate: float | None


def inpaint(
    file: str | Path,
    prompt: str = "",
    *,
    mask: str | Path | None = None,
    box: tuple[int, int, int, int] | str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Unpack[InpaintingFields],
) -> "list[PaintedFile]":
    """Paints a part of a picture anew; the rest stays byte for byte.

    Args:
        mask: a picture of the same size, whose white part is painted anew.
        box: left, top, width and height in px instead.
        out: a folder, or one FILE.png; None for the picture's own folder.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.editing.inpaint import InpaintJob

    fields: Any = settings  # sequences become tuples
    job = InpaintJob(
        file=as_path("file", file), prompt=prompt, mask=None if mask is None else as_path("mask", mask),
        box=box if box is None or isinstance(box, str) else ",".join(map(str, box)),
        out=None if out is None else as_path("out", out), overwrite=overwrite, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def outpaint(
    file: str | Path,
    prompt: str = "",
    *,
    left: int = 0,
    up: int = 0,
    right: int = 0,
    down: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Unpack[EditingFields],
) -> "list[PaintedFile]":
    """Extends the canvas of a picture by so many px, and paints what is new; the picture itself stays byte for byte.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.editing.outpaint import OutpaintJob

    fields: Any = settings  # sequences become tuples
    job = OutpaintJob(
        file=as_path("file", file), prompt=prompt, left=left, up=up, right=right, down=down,
        out=None if out is None else as_path("out", out), overwrite=overwrite, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)
