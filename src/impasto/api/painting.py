"""Python API of painting: writes picture files that contain their provenance records."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from impasto.api.session import OnEvent, ShouldStop, as_path, as_words, run_job

if TYPE_CHECKING:
    from impasto.jobs.painting.grid import PaintedSheet
    from impasto.jobs.painting.paint_files import PaintedFile
    from impasto.jobs.painting.upscale import UpscaledPicture


class SharedFields(TypedDict, total=False):
    """The settings that new pictures and edited ones share."""

    artist: str
    any_artist: bool
    year: int | None
    style: str
    genre: str
    negative: str
    expand: str
    expand_rank: int
    index: str | Path | None
    prompt_model: str | Path | None
    expand_seed: int
    expand_style: str
    expansion_config: str | Path | None
    wildcards: str | Path | None
    seed: int | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    guider: str | None
    guidance_interval: str | None
    eta: float
    prompt_syntax: str
    checkpoint: str | Path
    lora: Sequence[str | Path]
    lora_folder: Sequence[str | Path]
    concept: Sequence[str | Path]
    memory: str | Path
    like: Sequence[str | Path]
    strength: float | None
    keep_source: str
    control: Sequence[str]
    control_net: Sequence[str | Path]
    control_weight: Sequence[float]
    control_from: Sequence[float]
    control_until: Sequence[float]
    control_guess: bool
    guides: Sequence[str]
    device: str
    precision: str
    engine: str


class PictureFields(SharedFields, total=False):
    """The settings of a picture: the fields of `impasto.jobs.painting.picture.Picture`."""

    size: str | None
    width: int | None
    height: int | None
    init: str | Path | None
    fit: str | None
    swap: Sequence[str]
    cross_replace: float | None
    self_replace: float | None


class RepaintFields(TypedDict, total=False):
    """The changed settings of a repainted picture; see `impasto.jobs.painting.repaint.RepaintJob`."""

    prompt: str | None
    artist: str | None
    any_artist: bool
    year: int | None
    style: str | None
    genre: str | None
    negative: str | None
    seed: int | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    guider: str | None
    guidance_interval: str | None
    eta: float | None
    size: str | None
    width: int | None
    height: int | None
    checkpoint: str | Path | None
    prompt_syntax: str
    lora: Sequence[str | Path] | None
    lora_folder: Sequence[str | Path]
    safety_checker: str | Path | None
    flagged: str
    concept: Sequence[str | Path] | None
    memory: str | Path | None
    like: Sequence[str | Path] | None
    strength: float | None
    source: str | Path | None
    device: str
    precision: str
    engine: str


def paint(
    prompt: str = "",
    *,
    count: int = 1,
    artists: Sequence[str] = (),
    expand_count: int | None = None,
    expand_original: bool = False,
    sheet: str | Path = "",
    best_of: int = 1,
    keep_all: bool = False,
    scorer: str | Path | None = None,
    out: str | Path = "pictures",
    overwrite: bool = False,
    batch: int | None = None,
    preview_every: int = 0,
    safety_checker: str | Path = "off",
    flagged: str = "keep",
    avoid_copies: str | Path | None = None,
    copy_repaints: int | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **picture: Unpack[PictureFields],
) -> "list[PaintedFile]":
    """Paints `count` pictures into files; the checkpoint stays loaded for the next call.

    With `expand_count` or several `artists` it paints a series, and returns a `PaintedSeries`: a list with the attributes
    `sheet` and `series`.

    Args:
        prompt: what the pictures show.
        count: number of pictures; in a series, of each text by each artist.
        artists: several artists, each of whom paints all texts; "none" for none.
        expand_count: paints so many extensions of the prompt, the best first.
        expand_original: in a series, paints also the prompt as it was typed.
        sheet: the file of the series' sheet; "" for one beside the paintings, "none" for none.
        best_of: each picture is the best of so many seeds by the scorer.
        keep_all: keeps the others of `best_of`, too.
        scorer: the scorer of `best_of`; None for the built-in one.
        out: a folder, or one FILE.png.
        overwrite: whether that file may be replaced.
        batch: number of pictures at once; None for as many as fit.
        preview_every: number of steps between two `Preview` events; 0 for never.
        safety_checker: the folder of a model that flags pictures before they are saved; "off" for none.
        flagged: what happens to a flagged picture: "keep", "blur" or "drop".
        avoid_copies: a catalogue or a copy index; a picture that looks like one of its pictures is painted again.
        copy_repaints: how often a copy is painted again at most; None for 4.
        on_event: called with typed events; if not given, notes go to the logger `impasto`.
        should_stop: called while the pictures are painted; True ends the call with `StoppedError`.
        picture: further settings, see `PictureFields`.

    Raises:
        UsageError, MissingPart, ImpastoError: painting failed; the message is one sentence.
        StoppedError: `should_stop` returned True, or the user pressed Ctrl-C; finished pictures are kept.
    """
    from impasto.jobs.painting.paint import PaintJob

    # Sequences become tuples, and paths text.
    fields: Any = {**picture, "sheet": sheet, "scorer": scorer, "safety_checker": safety_checker}
    job = PaintJob(
        prompt=prompt, count=count, artists=as_words("artists", artists) or (), expand_count=expand_count,
        expand_original=expand_original, best_of=best_of, keep_all=keep_all,
        out=as_path("out", out), overwrite=overwrite, batch=batch, preview_every=preview_every,
        flagged=flagged, avoid_copies=None if avoid_copies is None else as_path("avoid_copies", avoid_copies),
        copy_repaints=copy_repaints,
        **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def repaint(
    file: str | Path,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **changes: Unpack[RepaintFields],
) -> "PaintedFile":
    """Paints a picture again from the provenance record in its file, with or without changes.

    Without changes, the result on the same machine is equal byte for byte.

    Args:
        out: a folder, or FILE.png; None for the picture's own folder.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.painting.repaint import RepaintJob

    fields: Any = changes  # sequences become tuples
    place = None if out is None else as_path("out", out)
    job = RepaintJob(file=as_path("file", file), out=place, overwrite=overwrite, **fields)
    return run_job(job, on_event, should_stop)


def grid(
    prompt: str = "",
    *,
    rows: str = "",
    columns: str = "",
    out: str | Path = "grid.png",
    overwrite: bool = False,
    cell: int | None = None,
    title: str | None = None,
    legend: bool = True,
    batch: int | None = None,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **picture: Unpack[PictureFields],
) -> "PaintedSheet":
    """Paints a sheet along two axes, such as rows="seed=1-4", columns="artist=Claude Monet,Rembrandt".

    Args:
        out: .png, .webp or .pdf; the cells are saved beside it and are never painted twice.
        cell: pixels of a cell's longer side; None for the size of its painting.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.painting.grid import GridJob

    fields: Any = picture  # sequences become tuples
    job = GridJob(
        prompt=prompt, rows=rows, columns=columns, out=as_path("out", out), overwrite=overwrite, cell=cell, title=title,
        legend=legend, batch=batch, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def upscale(
    *pictures: str | Path,
    by: int = 2,
    model: str | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "list[UpscaledPicture]":
    """Enlarges pictures to 2 or 4 times their width and height; a painting keeps its record.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.painting.upscale import UpscaleJob

    job = UpscaleJob(
        pictures=tuple(as_path("pictures", file) for file in pictures), by=by, model=model,
        out=None if out is None else as_path("out", out), device=device,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)
