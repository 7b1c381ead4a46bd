"""What the page Grid asks: sheets of paintings with two changing settings."""

import re
import time
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from impasto.errors import UsageError
from impasto.painting.file_names import slug
from impasto.queue.records import QueuedJob
from impasto.studio.pages.paint_request import PaintRequest
from impasto.studio.requests.models import to_job
from impasto.studio.state import StudioOf

router = APIRouter(prefix="/pages", include_in_schema=False)
AXES = (
    "prompt", "artist", "style", "genre", "year", "negative", "seed", "sampler", "steps", "guidance", "guider", "eta",
    "size",
)  # fmt: skip
SHEET = r"^[\w][\w.+-]{0,150}\.png$"
_KEPT = {"cache-control": "private, max-age=31536000, immutable"}  # a sheet's name is used once


class Side(BaseModel):
    """An axis: the setting and its values as they are typed."""

    model_config = ConfigDict(extra="forbid")

    axis: str = ""
    values: Annotated[str, StringConstraints(max_length=10_000)] = ""


class NewSheet(BaseModel):
    """A sheet to be painted."""

    model_config = ConfigDict(extra="forbid")

    job: PaintRequest  # what all cells share
    rows: Side = Field(default_factory=Side)
    columns: Side = Field(default_factory=Side)
    title: Annotated[str, StringConstraints(max_length=200)] = ""


@router.post("/sheets", status_code=201)
def add_sheet(new: NewSheet, studio: StudioOf) -> QueuedJob:
    """Makes the job `grid` of it."""
    from impasto.jobs.painting.grid import GridJob
    from impasto.jobs.painting.picture import Picture

    changed = {one.axis for one in (new.rows, new.columns)} | {"count", "preview_every", "best_of"}
    if "size" in changed:
        changed |= {"width", "height"}
    kept = {name: getattr(new.job, name) for name in new.job.model_fields_set if name not in changed}
    # What is painted may come from an axis alone, and a request without it would be refused: the cells are checked later.
    whole = kept if kept.get("prompt") else {**kept, "prompt": "a cell"}
    shared = to_job(new.job.model_construct(**whole), studio.references)
    known = shared.model_fields_set & set(Picture.model_fields)
    fields: dict[str, Any] = {name: getattr(shared, name) for name in known if name in kept}
    words = slug(" ".join([str(fields.get("prompt", "")), new.rows.axis, new.columns.axis]))[:80]
    out = studio.workspace.place("sheets") / f"{words}-{time.time_ns() // 1_000_000}.png"
    job = GridJob(**fields, rows=_axis(new.rows), columns=_axis(new.columns), title=new.title or None, out=out)
    return studio.queue.add(job, origin="studio")


def _axis(side: Side) -> str:
    """The axis as the job takes it. A list of values is never read from a file here."""
    if not side.axis:
        return ""
    if side.axis not in AXES:
        raise UsageError(f"there is no axis {side.axis[:40]!r}: use {', '.join(AXES)}")
    if side.values.lstrip().startswith("@"):
        raise UsageError(f"{side.axis}: type the values themselves")
    return f"{side.axis}={side.values}"


@router.get("/sheets")
def list_sheets(studio: StudioOf) -> list[str]:
    """Lists the sheets' files, newest first."""
    folder = studio.workspace.place("sheets")
    found = [one for one in folder.iterdir() if re.fullmatch(SHEET, one.name) and one.is_file() and not one.is_symlink()]
    return [one.name for one in sorted(found, key=lambda one: -one.stat().st_mtime)][:200]


@router.get("/sheets/{name}", response_class=FileResponse)
def get_sheet(name: Annotated[str, Path(pattern=SHEET)], studio: StudioOf) -> FileResponse:
    """Returns a sheet."""
    path: FilePath = studio.workspace.place("sheets") / name
    if not path.is_file() or path.is_symlink():
        raise UsageError("there is no such sheet")
    return FileResponse(path, media_type="image/png", headers=_KEPT)
