"""The routes of `/v1`."""

import asyncio
import base64
import io
import time
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from impasto.errors import UsageError
from impasto.jobs.base import Job
from impasto.queue.records import State
from impasto.studio.api.options import get_checkpoints
from impasto.studio.clients.a1111.state import A1111Of
from impasto.studio.clients.openai.asked import edit, generation
from impasto.studio.clients.openai.fields import FORMATS, Asking
from impasto.studio.clients.work import Picture, add, gone, pictures, wait
from impasto.studio.state import Studio, StudioOf
from impasto.studio.uploads import MOST_BYTES

router = APIRouter(prefix="/v1", tags=["OpenAI"])
_MOST_FILES, _MOST_FIELDS = 17, 64
_IMAGES = ("image", "image[]")
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object", "required": ["image", "prompt"],
                    "properties": {
                        **{name: {"type": "string", "format": "binary"} for name in ("image", "mask")},
                        **{name: {"type": "string"} for name in ("prompt", "model", "size", "quality", "response_format")},
                        "n": {"type": "integer"},
                    },
                }
            }
        },
    }
}  # fmt: skip


class OnePicture(BaseModel):
    """A picture, as base64 or as an address."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class Pictures(BaseModel):
    """The pictures of a request."""

    created: int = Field(description="seconds since 1970")
    data: list[OnePicture]
    output_format: str = "png"
    size: str | None = None
    quality: str | None = None
    impasto: dict[str, Any] = Field(description="job, ids in the gallery, and notes on what is different")


class Model(BaseModel):
    """A checkpoint."""

    model_config = ConfigDict(extra="forbid")

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "impasto"


class Models(BaseModel):
    """The checkpoints."""

    object: str = "list"
    data: list[Model]


@router.get("/models")
def list_models(studio: StudioOf) -> Models:
    """Lists the checkpoints."""
    return Models(data=[Model(id=one.name) for one in get_checkpoints(studio)])


@router.get("/models/{name:path}")
def get_model(name: str, studio: StudioOf) -> Model:
    """Tells of one checkpoint."""
    if name not in [one.name for one in get_checkpoints(studio)]:
        raise HTTPException(404, f"there is no model {name[:100]!r}: /v1/models lists them")
    return Model(id=name)


@router.post("/images/generations")
async def generate(body: Asking, studio: StudioOf, state: A1111Of, request: Request) -> Pictures:
    """Paints pictures from words."""
    job, notes = await asyncio.to_thread(generation, body, studio, state.checkpoint)
    return await _paint(job, notes, body, studio, request)


@router.post("/images/edits", openapi_extra=_FORM)
async def change(studio: StudioOf, state: A1111Of, request: Request) -> Pictures:
    """Paints a picture anew, or what is transparent in its mask."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UsageError("send the picture in a form (multipart/form-data), in its field `image`")
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=MOST_BYTES) as form:
        images = [await one.read() for name in _IMAGES for one in form.getlist(name) if isinstance(one, UploadFile)]
        given = form.get("mask")
        mask = await given.read() if isinstance(given, UploadFile) else None
        words = {name: value for name, value in form.items() if isinstance(value, str) and value != ""}
    if not images:
        raise UsageError("image: there is no picture in the form")
    body = _checked(words)
    job, notes = await asyncio.to_thread(edit, body, images, mask, studio, state.checkpoint)
    return await _paint(job, notes, body, studio, request)


def _checked(words: dict[str, str]) -> Asking:
    try:
        return Asking(**words)  # pyright: ignore[reportArgumentType] - the values are checked and converted
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:500]) from None


async def _paint(job: Job, notes: list[str], body: Asking, studio: Studio, request: Request) -> Pictures:
    numbers = await asyncio.to_thread(add, studio, [job], "openai")
    (ended,) = await wait(studio, numbers, gone(request))
    found = await asyncio.to_thread(pictures, studio, ended)
    if ended.state is State.CANCELLED:
        if not found:
            raise UsageError(f"job {ended.id} was cancelled")
        notes.append(f"cancelled: {len(found)} of {ended.units} pictures are painted")
    kind = body.output_format or "png"
    if body.response_format == "url":
        data = [OnePicture(url=f"{request.url.scheme}://{request.url.netloc}/api/v1/pictures/{one.id}") for one in found]
    else:
        data = [OnePicture(b64_json=await asyncio.to_thread(_encoded, one, kind, body.output_compression)) for one in found]
    size = await asyncio.to_thread(_size, found[0])
    return Pictures(
        created=int(time.time()), data=data, output_format=kind, size=size, quality=body.quality,
        impasto={"job": ended.id, "pictures": [one.id for one in found], "notes": notes},
    )  # fmt: skip


def _encoded(picture: Picture, kind: str, quality: int | None) -> str:
    data = picture.path.read_bytes()
    if kind != "png":
        from PIL import Image

        file = io.BytesIO()
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGB").save(
                file, format=FORMATS[kind].partition("/")[2].upper(), quality=100 if quality is None else quality
            )
        data = file.getvalue()
    return base64.b64encode(data).decode()


def _size(picture: Picture) -> str:
    from PIL import Image

    with Image.open(picture.path) as image:
        return f"{image.width}x{image.height}"
