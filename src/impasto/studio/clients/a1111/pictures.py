"""`/sdapi/v1/png-info` and `extra-single-image`: what a picture's file tells, and a picture enlarged."""

import asyncio
import base64
import io
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from impasto.errors import ImpastoError, UsageError
from impasto.jobs import job_class
from impasto.studio.clients.a1111.asked import decoded, open_image
from impasto.studio.clients.a1111.fields import Base64, Name, Side
from impasto.studio.clients.work import add, gone, pictures, wait
from impasto.studio.state import Studio, StudioOf
from impasto.studio.uploads import MOST_PIXELS

router = APIRouter()
_NONE = "None"
_FACTORS = (2, 4)
_NAMES = {
    "prompt": "Prompt", "negative": "Negative prompt", "steps": "Steps", "sampler": "Sampler", "guidance": "CFG scale",
    "seed": "Seed", "width": "Size-1", "height": "Size-2", "checkpoint": "Model",
}  # fmt: skip


class PictureFile(BaseModel):
    """A picture."""

    image: Base64


class FileTold(BaseModel):
    """What a file tells: A1111's text, the other texts in it, and the settings that could be read."""

    info: str
    items: dict[str, Any]
    parameters: dict[str, Any]


class Enlarging(BaseModel):
    """A picture to be enlarged."""

    model_config = ConfigDict(extra="allow")

    image: Base64
    resize_mode: Annotated[int, Field(ge=0, le=1)] | None = Field(0, description="0: by a factor; 1: to a size")
    upscaling_resize: Annotated[float, Field(gt=0, le=4)] | None = 2
    upscaling_resize_w: Side | None = 512
    upscaling_resize_h: Side | None = 512
    upscaling_crop: bool | None = Field(True, description="to a size: crops what is too much, instead of staying within it")
    upscaler_1: Name | None = _NONE


class Enlarged(BaseModel):
    """The enlarged picture, and what was left out."""

    html_info: str
    image: str


def upscaler_names() -> list[str]:
    """Returns the names of the upscalers that come with this version."""
    from impasto.checkpoints.upscaler.load import POCKET, SHIPPED, WEIGHTS

    return [POCKET] if (SHIPPED / WEIGHTS).is_file() else []


@router.post("/png-info")
def png_info(body: PictureFile) -> FileTold:
    """Tells how a picture was made, whatever tool wrote its record."""
    data = decoded(body.image, "image")
    open_image(data, "image")
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        file = Path(folder) / "picture"
        file.write_bytes(data)
        return _told(file)


def _told(file: Path) -> FileTold:
    from impasto.painting.provenance.picture_text import picture_texts
    from impasto.painting.provenance.record import A1111_SAMPLERS, Provenance, read_provenance

    try:
        texts = picture_texts(file)
        record = read_provenance(file)
    except ImpastoError:
        return FileTold(info="", items={}, parameters={})
    found = {name: asdict(record).get(name) for name in _NAMES}
    if isinstance(record, Provenance):
        info = texts.get("parameters") or record.to_parameters()
        found |= {"prompt": record.text, "sampler": A1111_SAMPLERS.get(record.sampler, record.sampler)}
        more = {"Model hash": record.checkpoint_hash[:10]}
    else:
        more = dict(record.extra)
        info = texts.get("parameters") or texts.get("UserComment") or ""
    parameters = {_NAMES[name]: value for name, value in found.items() if value not in (None, "")}
    items = {name: text for name, text in texts.items() if name != "parameters"}
    return FileTold(info=info, items=items, parameters={**more, **parameters})


@router.post("/extra-single-image")
async def enlarge(body: Enlarging, studio: StudioOf, request: Request) -> Enlarged:
    """Enlarges a picture with an upscaler, at most to four times its width and height."""
    data = decoded(body.image, "image")
    image = await asyncio.to_thread(open_image, data, "image")
    size = _target(body, image.size)
    notes = [f"{name[:80]} is left out" for name, value in (body.model_extra or {}).items() if _asks(name, value)]
    if body.upscaler_1 in (None, "", _NONE):
        return Enlarged(html_info="; ".join(notes), image=await asyncio.to_thread(_base64, image, image.size, False))
    if body.upscaler_1 not in upscaler_names():
        raise UsageError(f"there is no upscaler {body.upscaler_1!r}: /sdapi/v1/upscalers lists them")
    factor = max(size[0] / image.width, size[1] / image.height)
    if factor > _FACTORS[-1] or size[0] * size[1] > MOST_PIXELS:
        raise UsageError(
            f"{image.width}x{image.height} to {size[0]}x{size[1]} px: ask for at most {_FACTORS[-1]} times the sides, and "
            f"{MOST_PIXELS // 1_000_000} megapixels"
        )
    made = await _upscale(studio, data, next(by for by in _FACTORS if factor <= by), request)
    return Enlarged(
        html_info="; ".join(notes), image=await asyncio.to_thread(_finished, made, size, bool(body.upscaling_crop))
    )


async def _upscale(studio: Studio, data: bytes, by: int, request: Request) -> Path:
    source = await asyncio.to_thread(lambda: studio.uploads.file(studio.uploads.keep(data)))
    job = job_class("upscale")(pictures=(source,), by=by)
    numbers = await asyncio.to_thread(add, studio, [job], "a1111")
    (ended,) = await wait(studio, numbers, gone(request))
    found = await asyncio.to_thread(pictures, studio, ended)
    if not found:
        raise UsageError(f"job {ended.id} was cancelled")
    return found[0].path


def _target(body: Enlarging, own: tuple[int, int]) -> tuple[int, int]:
    if body.resize_mode == 1:
        wide, high = body.upscaling_resize_w or own[0], body.upscaling_resize_h or own[1]
        if body.upscaling_crop in (True, None):
            return wide, high
        by = min(wide / own[0], high / own[1])
    else:
        by = body.upscaling_resize or 2
    return max(1, round(own[0] * by)), max(1, round(own[1] * by))


def _asks(name: str, value: Any) -> bool:
    return name not in ("show_extras_results", "codeformer_weight") and value not in (None, 0, False, _NONE, "")


def _finished(path: Path, size: tuple[int, int], crop: bool) -> str:
    from PIL import Image

    with Image.open(path) as image:
        if image.size == size:
            return base64.b64encode(path.read_bytes()).decode()
        return _base64(image, size, crop)


def _base64(image: Any, size: tuple[int, int], crop: bool) -> str:
    from PIL import Image, ImageOps

    small = (
        image if image.size == size else ImageOps.fit(image, size) if crop else image.resize(size, Image.Resampling.LANCZOS)
    )
    file = io.BytesIO()
    small.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()
