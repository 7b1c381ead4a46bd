"""`/api/v1/pictures` and `/api/v1/uploads`: pictures by their ids, their small copies, and their records."""

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from impasto.errors import UsageError
from impasto.gallery.thumbnails import thumbnail
from impasto.studio.archive import signed
from impasto.studio.state import StudioOf
from impasto.studio.uploads import MOST_BYTES

router = APIRouter(tags=["pictures"])
Id = Annotated[str, Path(pattern="^[0-9a-f]{20}$", description="the picture's id")]
Side = Annotated[int, Query(description="pixels of the longer side: 128, 256 or 512")]
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}}}
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_KEPT = {"cache-control": "private, max-age=31536000, immutable"}  # an id is of the content


class Upload(BaseModel):
    """A kept upload."""

    id: str
    reference: str = Field(description="how jobs refer to it: `upload:ID`")


class Record(BaseModel):
    """How a picture was made."""

    tool: str = Field(description="whose record it is: impasto, A1111, InvokeAI, ...")
    record: dict[str, Any]


@router.get("/pictures/{digits}", response_class=FileResponse, responses=_PICTURE)
def get_picture(
    digits: Id,
    studio: StudioOf,
    download: Annotated[bool, Query(description="as a file to be saved")] = False,
    credentials: Annotated[bool, Query(description="a copy with Content Credentials, signed now")] = False,
) -> Response:
    """Returns a picture of the gallery, also one in the bin."""
    path = studio.gallery.file(digits)
    if not credentials:
        return _file(path, download)
    data = signed(path, studio.signing_identity())
    name = quote(f"{path.stem}-signed{path.suffix}")
    headers = {"content-disposition": f"attachment; filename*=utf-8''{name}", "cache-control": "no-store"}
    return Response(data, media_type=_TYPES.get(path.suffix.lower()), headers=headers)


@router.get("/pictures/{digits}/thumbnail", response_class=FileResponse, responses={200: {"content": {"image/webp": {}}}})
def get_thumbnail(digits: Id, studio: StudioOf, side: Side = 256) -> FileResponse:
    """Returns a small copy of a picture, a WebP."""
    path = thumbnail(studio.gallery.file(digits), digits, side, studio.workspace.place("thumbnails"))
    return FileResponse(path, media_type="image/webp", headers=_KEPT)


@router.get("/pictures/{digits}/record")
def get_record(digits: Id, studio: StudioOf) -> Record:
    """Tells how a picture was made."""
    return _record(studio.gallery.file(digits))


@router.post(
    "/uploads",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(set(_TYPES.values()))},
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
                },
            },
        }
    },
)
async def add_upload(request: Request, studio: StudioOf) -> Upload:
    """Keeps a picture: PNG, JPEG or WebP, as the body or as the field `file` of a form; at most 32 MB and 64 megapixels."""
    from starlette.concurrency import run_in_threadpool

    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=8, max_part_size=MOST_BYTES) as form:
            given = form.get("file")
            if given is None or isinstance(given, str):
                raise UsageError("there is no picture in the form's field `file`")
            data = await given.read()
    else:
        data = await request.body()
    digits = await run_in_threadpool(studio.uploads.keep, data)
    return Upload(id=digits, reference=f"upload:{digits}")


@router.get("/uploads/{digits}", response_class=FileResponse, responses=_PICTURE)
def get_upload(digits: Id, studio: StudioOf) -> FileResponse:
    """Returns an upload."""
    return _file(studio.uploads.file(digits))


@router.get("/uploads/{digits}/record")
def get_upload_record(digits: Id, studio: StudioOf) -> Record:
    """Tells how an uploaded picture was made, whatever tool wrote its record."""
    return _record(studio.uploads.file(digits))


def _file(path: FilePath, download: bool = False) -> FileResponse:
    return FileResponse(
        path, media_type=_TYPES.get(path.suffix.lower(), "application/octet-stream"), headers=_KEPT,
        filename=path.name if download else None,
    )  # fmt: skip


def _record(path: FilePath) -> Record:
    from impasto.errors import ImpastoError
    from impasto.painting.provenance.record import Provenance, read_provenance

    try:
        record = read_provenance(path)
    except ImpastoError as error:
        raise UsageError(str(error).replace(str(path), "the picture")) from None
    return Record(tool="impasto" if isinstance(record, Provenance) else record.tool, record=asdict(record))
