"""`/api/v1/downloads`: chosen pictures as one archive, as they are or with Content Credentials."""

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from impasto.errors import UsageError
from impasto.studio.archive import archive
from impasto.studio.state import StudioOf

router = APIRouter(prefix="/downloads", tags=["pictures"])
MOST_PICTURES = 10_000
_MOST_KEPT, _SECONDS = 200, 3600.0
Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{20}$")]


class NewDownload(BaseModel):
    """The pictures of an archive."""

    model_config = ConfigDict(extra="forbid")

    pictures: list[Id] = Field(min_length=1, max_length=MOST_PICTURES)
    credentials: bool = Field(False, description="copies signed by the studio's certificate, if it has one")


class Download(BaseModel):
    """An archive that waits to be fetched, for an hour."""

    path: str
    pictures: int


class UnknownDownload(UsageError):
    """There is no download with this name."""


@dataclass(frozen=True)
class _Asked:
    pictures: tuple[str, ...]
    credentials: bool
    at: float


_ASKED: dict[str, _Asked] = {}
_LOCK = threading.Lock()


@router.post("", status_code=201)
def ask(new: NewDownload, studio: StudioOf) -> Download:
    """Names pictures for an archive, which is then fetched by its path. Nothing is written to the disk."""
    known = [one.id for one in studio.gallery.entries(list(dict.fromkeys(new.pictures)))]
    if not known:
        raise UsageError("the gallery has none of these pictures")
    if new.credentials:
        studio.signing_identity()  # says what is missing
    name, now = secrets.token_hex(16), time.monotonic()
    with _LOCK:
        for old in [key for key, one in _ASKED.items() if now - one.at > _SECONDS] or list(_ASKED)[: 1 - _MOST_KEPT]:
            _ASKED.pop(old, None)
        _ASKED[name] = _Asked(tuple(dict.fromkeys(new.pictures)), new.credentials, now)
    return Download(path=f"/api/v1/downloads/{name}", pictures=len(known))


@router.get("/{name}", response_class=StreamingResponse, responses={200: {"content": {"application/zip": {}}}})
def fetch(name: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], studio: StudioOf) -> StreamingResponse:
    """Returns the archive, a ZIP. Pictures that were left out are named in `left-out.txt` in it."""
    asked = _ASKED.get(name)
    if asked is None or time.monotonic() - asked.at > _SECONDS:
        raise UnknownDownload("there is no such download any more: choose the pictures again")
    identity = studio.signing_identity() if asked.credentials else None
    made = time.strftime("%Y-%m-%d-%H%M%S")
    headers = {"content-disposition": f'attachment; filename="impasto-{made}.zip"', "cache-control": "no-store"}
    parts = archive(studio.gallery, asked.pictures, identity)
    return StreamingResponse(parts, media_type="application/zip", headers=headers)
