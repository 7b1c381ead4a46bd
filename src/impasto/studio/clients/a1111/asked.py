"""The body of a txt2img or img2img request becomes jobs: one for each picture, so that a client can skip one."""

import base64
import binascii
import io
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError
from impasto.jobs import job_class
from impasto.jobs.base import Job
from impasto.jobs.painting.foreign_settings import our_sampler, schedule_of
from impasto.painting.provenance.record import A1111_SAMPLERS
from impasto.studio.clients.a1111.fields import MOST_PICTURES, Img2Img, Painting
from impasto.studio.clients.a1111.state import CHECKPOINT, A1111State
from impasto.studio.clients.a1111.styles import apply_styles
from impasto.studio.clients.sizes import painted_size, side_of
from impasto.studio.clients.work import PREVIEW_EVERY
from impasto.studio.state import Studio
from impasto.studio.uploads import MOST_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_FITS = {0: "stretch", 1: "crop", 2: "pad", 3: "stretch"}
_FILLS = {0: "blur", 1: "original", 2: "latent-noise", 3: "latent-noise"}
_NO_SCHEDULE = ("", "automatic", "none", "use same scheduler")
_DECODING = threading.BoundedSemaphore(2)  # together: the memory of the server is bounded
_EDGE = 128  # grey above it is painted anew, in a mask that is rounded


@dataclass
class Asked:
    """What a request asks for.

    Attributes:
        jobs: one for each picture.
        steps: of a picture; 0 if the checkpoint decides.
        notes: what is different from what was asked for, a sentence each.
        ignored: the fields that the studio has nothing for.
    """

    jobs: list[Job]
    steps: int
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def from_text(asked: Painting, studio: Studio, state: A1111State) -> Asked:
    """Makes the jobs of txt2img.

    Raises:
        UsageError: a value does not fit.
    """
    notes: list[str] = []
    fields, checkpoint = _words(asked, studio, state, notes)
    width, height, note = painted_size(asked.width, asked.height, side_of(studio, checkpoint))
    notes += [note] if note else []
    return _several("paint", asked, {**fields, "width": width, "height": height}, notes)


def from_picture(asked: Img2Img, studio: Studio, state: A1111State) -> Asked:
    """Makes the jobs of img2img, which with a mask are those of inpainting.

    Raises:
        UsageError: a value does not fit, or a picture is none.
    """
    if not asked.init_images:
        raise UsageError("init_images: Init image not found: send one picture, in base64")
    notes: list[str] = []
    fields, checkpoint = _words(asked, studio, state, notes)
    if len(asked.init_images) > 1:
        notes.append(f"the first of {len(asked.init_images)} init_images is painted from")
    if asked.denoising_strength is not None:
        fields["strength"] = asked.denoising_strength
    side = side_of(studio, checkpoint)
    data = decoded(asked.init_images[0], "init_images.0")
    if asked.mask is not None:
        return _several("inpaint", asked, {**fields, **_masked(asked, data, studio, side, notes)}, notes)
    if asked.width is None and asked.height is None:
        size = {}  # the picture's proportions
    else:
        width, height, note = painted_size(asked.width, asked.height, side)
        notes += [note] if note else []
        size = {"width": width, "height": height}
    mode = asked.resize_mode or 0
    if mode == 3:
        notes.append("resize_mode 3: the picture is resized before it is encoded, not after")
    source = studio.uploads.file(studio.uploads.keep(data))
    return _several("paint", asked, {**fields, **size, "init": source, "fit": _FITS[mode]}, notes)


def _several(kind: str, asked: Painting, fields: dict[str, Any], notes: list[str]) -> Asked:
    count = (asked.batch_size or 1) * (asked.n_iter or 1)
    if count > MOST_PICTURES:
        raise UsageError(f"batch_size * n_iter is {count}: ask for at most {MOST_PICTURES} pictures at once")
    seed = asked.seed if asked.seed is not None and asked.seed >= 0 else secrets.randbelow(2**32)
    make = job_class(kind)
    jobs = [make(**fields, seed=seed + k, preview_every=PREVIEW_EVERY) for k in range(count)]
    return Asked(jobs, asked.steps or 0, notes, asked.ignored())


def _words(asked: Painting, studio: Studio, state: A1111State, notes: list[str]) -> tuple[dict[str, Any], str]:
    """The fields that all jobs share, and the checkpoint's listed name."""
    settings = asked.override_settings or {}
    checkpoint = str(settings.get(CHECKPOINT) or state.checkpoint)
    prompt, negative = apply_styles(
        asked.prompt or "", asked.negative_prompt or "", asked.styles or (), studio.workspace, notes
    )
    fields: dict[str, Any] = {
        "prompt": " ".join(prompt.split()), "negative": " ".join(negative.split()),
        "checkpoint": studio.references.resolve("checkpoint", checkpoint), "steps": asked.steps, "guidance": asked.cfg_scale,
    }  # fmt: skip
    if not fields["prompt"] and not fields["negative"]:
        fields["guidance"] = 0.0  # the same as any other: with no words there is nothing that guides
    name = asked.sampler_name or asked.sampler_index or ""
    fields["sampler"] = _sampler(name)
    for schedule in (schedule_of(name), asked.scheduler or ""):
        if schedule.strip().lower() not in _NO_SCHEDULE:
            notes.append(f"the noise schedule {schedule[:40]!r} is left out: the checkpoint's own is used")
    if asked.eta is not None and fields["sampler"] == "ddim":
        fields["eta"] = asked.eta
    elif asked.eta not in (None, 0, 1):
        notes.append(f"eta {asked.eta:g} is for DDIM alone, and left out")
    return fields, checkpoint


def _sampler(name: str) -> str | None:
    if name.strip().lower() in ("", "automatic"):
        return None
    found = our_sampler(name)
    if found is None:
        raise UsageError(f"Sampler not found: {name[:80]!r}: use one of {', '.join(A1111_SAMPLERS.values())}")
    return found


def _masked(asked: Img2Img, data: bytes, studio: Studio, side: int, notes: list[str]) -> dict[str, Any]:
    """The fields of inpainting: the picture keeps its size with `inpaint_full_res`, else it is painted whole."""
    picture, mask = open_image(data, "init_images.0"), _mask(decoded(asked.mask or "", "mask"), bool(asked.mask_round))
    whole = not asked.inpaint_full_res
    if whole:
        width, height, note = painted_size(asked.width or picture.width, asked.height or picture.height, side)
        notes += [note] if note else []
        if picture.size != (width, height):
            picture, mask = _resized(picture, (width, height), asked.resize_mode or 0), _resized(
                mask, (width, height), asked.resize_mode or 0
            )  # fmt: skip
            data = _png(picture)
    if mask.size != picture.size:
        mask = mask.resize(picture.size)
        notes.append("the mask was brought to the picture's size")
    fill = asked.inpainting_fill or 0
    if fill == 3:
        notes.append("inpainting_fill 3: latent noise takes the place of nothing")
    fields: dict[str, Any] = {
        "file": studio.uploads.file(studio.uploads.keep(data)), "mask": studio.uploads.file(studio.uploads.keep(_png(mask))),
        "fill": _FILLS[fill], "mask_blur": 4 if asked.mask_blur is None else asked.mask_blur,
        "invert_mask": bool(asked.inpainting_mask_invert), "method": "blend" if asked.mask_round in (True, None) else "soft",
    }  # fmt: skip
    if not whole:
        fields |= {"only_masked": True, "padding": asked.inpaint_full_res_padding or 0}
    return fields


def _mask(data: bytes, rounded: bool) -> "Image.Image":
    """Returns a mask as A1111 reads one: its alpha channel if it has one that says something, else its grey, rounded."""
    image = open_image(data, "mask")
    if image.mode in ("RGBA", "LA", "PA") and image.getchannel("A").getextrema() != (255, 255):
        grey = image.getchannel("A")
    else:
        grey = image.convert("L")
    return grey.point([255 if value > _EDGE else 0 for value in range(256)]) if rounded else grey


def _resized(image: "Image.Image", size: tuple[int, int], mode: int) -> "Image.Image":
    from PIL import ImageOps

    if mode == 1:
        return ImageOps.fit(image, size)
    if mode == 2:
        return ImageOps.pad(image, size)
    return image.resize(size)


def _png(image: "Image.Image") -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def decoded(text: str, field: str) -> bytes:
    """Returns the bytes of a picture in base64, with or without `data:image/...;base64,` before it.

    Raises:
        UsageError: it is no base64, or an address: the studio fetches nothing.
    """
    if text[:8].lower().startswith(("http:", "https:")):
        raise UsageError(f"{field}: the studio fetches no addresses: send the picture itself, in base64")
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{field}: Invalid encoded image: send the picture in base64") from None


def open_image(data: bytes, field: str) -> "Image.Image":
    """Returns a decoded PNG, JPEG or WebP, within the limit of pixels.

    Raises:
        UsageError: it is none, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with _DECODING:
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
            if image.width * image.height > MOST_PIXELS:
                most = MOST_PIXELS // 1_000_000
                raise UsageError(f"{field}: {image.width}x{image.height} px: send at most {most} megapixels")
            image.load()
    except UsageError:
        raise
    except Exception as error:  # whatever a decoder finds in hostile bytes
        reason = "" if isinstance(error, UnidentifiedImageError) else f": {str(error)[:100]}"
        raise UsageError(f"{field}: this is no PNG, JPEG or WebP picture{reason}") from None
    return image.convert("RGBA") if image.mode == "P" else image
