"""Python API of editing: within a mask, beyond the edge, by words and by instructions; and what leads an edit: maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from impasto.api.painting import SharedFields
from impasto.api.session import OnEvent, ShouldStop, as_path, as_words, run_job
from impasto.painting.editing.record import IMAGE_GUIDANCE

if TYPE_CHECKING:
    from impasto.jobs.editing.attention import WordMap
    from impasto.jobs.editing.control_map import ControlMap
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


class InstructFields(TypedDict, total=False):
    """The settings of `instruct`; see `impasto.jobs.editing.instruct.InstructJob`."""

    negative: str
    wildcards: str | Path | None
    seed: int | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    guider: str | None
    guidance_interval: str | None
    eta: float
    size: str | None
    width: int | None
    height: int | None
    fit: str | None
    strength: float | None
    keep_source: str
    prompt_syntax: str
    lora: Sequence[str | Path]
    lora_folder: Sequence[str | Path]
    concept: Sequence[str | Path]
    device: str
    precision: str
    engine: str
    count: int
    batch: int | None
    preview_every: int


def instruct(
    file: str | Path,
    instruction: str,
    *,
    checkpoint: str | Path,
    image_guidance: float = IMAGE_GUIDANCE,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Unpack[InstructFields],
) -> "list[PaintedFile]":
    """Changes a picture as an instruction says: "make it winter" (InstructPix2Pix, Brooks et al. 2023).

    Args:
        checkpoint: one that was trained for instructions.
        image_guidance: how closely the picture is followed, 0 to 50.
        out: a folder, or one FILE.png; None for the picture's own folder.

    Raises:
        UsageError, MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.editing.instruct import InstructJob

    fields: Any = settings  # sequences become tuples
    job = InstructJob(
        file=as_path("file", file), prompt=instruction, checkpoint=str(checkpoint), image_guidance=image_guidance,
        out=None if out is None else as_path("out", out), overwrite=overwrite, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


class WordFields(TypedDict, total=False):
    """The settings of `edit`; see `impasto.jobs.editing.edit_words.EditWordsJob`."""

    prompt: str | None
    local: str
    cross: float
    itself: float
    invert: str | None
    steps: int | None
    guidance: float | None
    seed: int | None
    checkpoint: str | None
    keep_source: str
    device: str
    precision: str


def edit(
    file: str | Path,
    *,
    swap: Mapping[str, str] | Sequence[str] = (),
    add: str = "",
    weight: Mapping[str, float] | Sequence[str] = (),
    describe: str | None = None,
    lora: Sequence[str | Path] | None = None,
    concept: Sequence[str | Path] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Unpack[WordFields],
) -> "PaintedFile":
    """Paints a picture again with other words, and keeps its layout (prompt-to-prompt, Hertz et al. 2022).

    Args:
        file: a painting of Impasto's, or with `describe` any picture.
        swap: words to replace in its prompt, {"dog": "cat"} or ["dog=cat"].
        add: words to add to it.
        weight: how much words count, {"flowers": 1.8} or ["flowers=1.8"], -2 to 10.
        describe: what the picture shows, for one that Impasto did not paint.
        out: a folder, or one FILE.png; None for the picture's own folder.

    Raises:
        UsageError: the prompt lacks a word, or nothing is to be edited.
        MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.editing.edit_words import EditWordsJob

    fields: Any = settings
    for name, paths in (("lora", lora), ("concept", concept)):
        words = as_words(name, None if paths is None else _texts(name, paths))
        fields = {**fields, name: words}
    job = EditWordsJob(
        file=as_path("file", file), swap=_pairs("swap", swap), add=add, weight=_pairs("weight", weight), describe=describe,
        out=None if out is None else as_path("out", out), overwrite=overwrite, **fields,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def attention(
    file: str | Path,
    words: Sequence[str] = (),
    *,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "list[WordMap]":
    """Writes a sheet that shows where words of its prompt acted in a painting of Impasto's.

    Args:
        words: words of its prompt; none for every word.
        out: a folder, or one FILE.png; None for the painting's own folder.

    Returns:
        For each word, how much more it acted at its best place than on average. The file is in the event `PictureDone`.

    Raises:
        UsageError: the painting has no record of its prompt; the prompt lacks a word.
        MissingPart, ImpastoError, StoppedError: the same as `paint`.
    """
    from impasto.jobs.editing.attention import AttentionJob

    job = AttentionJob(
        file=as_path("file", file), word=as_words("words", words) or (),
        checkpoint=None if checkpoint is None else str(checkpoint), out=None if out is None else as_path("out", out),
        overwrite=overwrite, device=device,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def control_map(
    kind: str,
    *pictures: str | Path,
    from_drawing: bool = False,
    side: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    on_event: OnEvent | None = None,
    should_stop: ShouldStop | None = None,
) -> "list[ControlMap]":
    """Makes the maps of pictures that a control network follows: edges, strokes, depth, colours.

    Args:
        kind: the maker with its settings, as `impasto control kinds` lists them: "canny", "canny:100:200".
        from_drawing: the pictures are drawings by hand, whose strokes are the map.
        side: px of the shorter side to which larger pictures are reduced first.
        out: a folder, or FILE.png for one picture; None for each picture's own folder.

    Raises:
        UsageError, MissingPart: there is no such kind; a file is there already; a package or a network is missing.
        ImpastoError, StoppedError: a map could not be made; the job was stopped.
    """
    from impasto.jobs.editing.control_map import ControlMapJob

    job = ControlMapJob(
        condition=kind, pictures=tuple(as_path("pictures", picture) for picture in pictures), from_drawing=from_drawing,
        side=side, out=None if out is None else as_path("out", out), overwrite=overwrite,
    )  # fmt: skip
    return run_job(job, on_event, should_stop)


def _texts(name: str, paths: Sequence[str | Path]) -> Sequence[str]:
    return paths if isinstance(paths, str) else [str(as_path(name, path)) for path in paths]


def _pairs(name: str, given: Mapping[str, Any] | Sequence[str]) -> tuple[str, ...]:
    """Returns "word=value" of a mapping or of such texts.

    Raises:
        UsageError: it is one text, whose letters would be taken for the words.
    """
    if isinstance(given, Mapping):
        return tuple(f"{word}={value}" for word, value in given.items())
    return as_words(name, given) or ()
