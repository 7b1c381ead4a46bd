"""What the page Data asks: catalogues with their captions, the filter, and reviews on the same log as the terminal's."""

import math
import re
import shutil
import threading
from collections import Counter
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from impasto.data.annotations.review import Only, Order, ReviewSession
from impasto.errors import UsageError
from impasto.gallery.thumbnails import thumbnail
from impasto.queue.records import QueuedJob
from impasto.studio.requests.listed import NAME
from impasto.studio.state import Studio, StudioOf

router = APIRouter(prefix="/pages", include_in_schema=False)
Name = Annotated[str, Path(pattern=f"^{NAME}$")]
MOST_FILES = 5000
_SIDE = 512


class SentFile(BaseModel):
    """A picture that was uploaded, its name, and the text that lay beside it."""

    model_config = ConfigDict(extra="forbid")

    upload: Annotated[str, StringConstraints(pattern="^[0-9a-f]{20}$")]
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    text: Annotated[str, StringConstraints(max_length=10_000)] = ""


class NewImport(BaseModel):
    """Pictures for a catalogue."""

    model_config = ConfigDict(extra="forbid")

    files: list[SentFile] = Field(min_length=1, max_length=MOST_FILES)
    artist: Annotated[str, StringConstraints(max_length=200)] = ""


class Threshold(BaseModel):
    """A filter: pairs below are left out."""

    model_config = ConfigDict(extra="forbid")

    below: float = Field(ge=-1, le=1)


class Decision(BaseModel):
    """What a reviewer decides about the picture that is shown."""

    model_config = ConfigDict(extra="forbid")

    shown: str = Field(max_length=128, description="the content's hash of the picture that is shown; empty for none")
    decision: Literal["accept", "edit", "reject", "skip", "undo"]
    text: Annotated[str, StringConstraints(max_length=10_000)] = ""


@router.post("/catalogues/{name}/import", status_code=201)
def add_pictures(name: Name, new: NewImport, studio: StudioOf) -> QueuedJob:
    """Lays uploads into a folder of the workspace, and makes the job `import` of it."""
    from impasto.jobs.data.importing import ImportJob

    folder = studio.workspace.place("imports") / name
    folder.mkdir(exist_ok=True)
    for one in new.files:
        source = studio.uploads.file(one.upload)
        words = re.sub(r"[^\w.+-]+", "-", FilePath(one.name).stem).strip("-.")[:80]
        target = folder / f"{words or 'picture'}-{one.upload[:8]}{source.suffix}"
        if not target.exists():
            shutil.copyfile(source, target)
        if one.text.strip():
            target.with_suffix(".txt").write_text(one.text.strip() + "\n", encoding="utf-8")
    out = studio.workspace.place("catalogues") / name
    job = ImportJob(source=folder, out=out, source_kind="folder", artist=new.artist, images="copy", workers=1)
    return studio.queue.add(job, origin="studio")


@router.get("/catalogues/{name}")
def get_catalogue(name: Name, studio: StudioOf) -> dict[str, Any]:
    """Tells what is known of a catalogue's pictures, and the similarities of captions and pictures."""
    from impasto.data.annotations.merged import Annotations
    from impasto.data.catalogue.read import read_catalogue

    folder = _folder(name, studio)
    entries = read_catalogue(folder, check_images=False, annotations=False).entries
    known = list(zip(entries, Annotations(folder).of(entries), strict=True))
    similar = [said.similarity_of(said.caption_of(entry)) for entry, said in known]
    artists = Counter(entry.artist for entry in entries if entry.artist)
    return {
        "pictures": len(entries), "captioned": sum(bool(said.caption_of(entry)) for entry, said in known),
        "tagged": sum(bool(entry.tags or said.tags) for entry, said in known),
        "reviewed": sum(said.verdict is not None for _, said in known),
        "dropped": sum(bool(said.reason_against(entry)) for entry, said in known),
        "similarities": sorted(round(one, 4) for one in similar if one is not None and math.isfinite(one)),
        "artists": artists.most_common(200),
    }  # fmt: skip


@router.post("/catalogues/{name}/compare", status_code=201)
def compare(name: Name, studio: StudioOf) -> QueuedJob:
    """Makes the job `filter` that compares all captions and leaves nothing out."""
    return _filter(name, -1.0, studio)


@router.post("/catalogues/{name}/filter", status_code=201)
def leave_out(name: Name, to: Threshold, studio: StudioOf) -> QueuedJob:
    """Makes the job `filter` of it."""
    return _filter(name, to.below, studio)


def _filter(name: str, below: float, studio: Studio) -> QueuedJob:
    from impasto.jobs.data.filter import FilterJob

    return studio.queue.add(FilterJob(catalogue=_folder(name, studio), below=below), origin="studio")


class _Reviews:
    """The open sessions, one a catalogue. A decision names the picture it is about, so two windows cannot mix them up."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._open: dict[tuple[FilePath, str, str], ReviewSession] = {}

    def session(self, folder: FilePath, order: Order, only: Only, *, fresh: bool = False) -> ReviewSession:
        key = (folder, order, only)
        if fresh or key not in self._open:
            self._open.clear()  # one at a time: each holds a catalogue in memory
            self._open[key] = ReviewSession(folder, order=order, only=only)
        return self._open[key]


_REVIEWS = _Reviews()


@router.get("/reviews/{name}")
def get_review(name: Name, studio: StudioOf, order: Order = "similarity", only: Only = "unreviewed") -> dict[str, Any]:
    """Begins a review, and tells the first picture."""
    with _REVIEWS.lock:
        return _shown(_REVIEWS.session(_folder(name, studio), order, only, fresh=True))


@router.post("/reviews/{name}")
def decide(
    name: Name, made: Decision, studio: StudioOf, order: Order = "similarity", only: Only = "unreviewed"
) -> dict[str, Any]:
    """Writes a decision to the log, and tells the next picture. 409 if another picture is shown by now."""
    with _REVIEWS.lock:
        session = _REVIEWS.session(_folder(name, studio), order, only)
        if made.shown != ("" if session.current is None else session.current.content):
            raise HTTPException(409, "another window has moved on")
        if made.decision == "undo":
            if not session.undo():
                raise UsageError("there is nothing to undo")
        elif made.decision == "edit":
            session.edit(made.text)
        else:
            {"accept": session.accept, "reject": session.reject, "skip": session.skip}[made.decision]()
        return _shown(session)


@router.get("/reviews/{name}/picture", response_class=FileResponse)
def get_picture(
    name: Name,
    studio: StudioOf,
    shown: Annotated[str, Query(pattern="^[0-9a-f]{20,128}$")],
    order: Order = "similarity",
    only: Only = "unreviewed",
) -> FileResponse:
    """Returns the picture that is shown, at most 512 px a side."""
    with _REVIEWS.lock:
        current = _REVIEWS.session(_folder(name, studio), order, only).current
    if current is None or current.content != shown:
        raise HTTPException(404, "this picture is not shown any more")
    path = thumbnail(current.entry.file, shown[:20], _SIDE, studio.workspace.place("thumbnails"))
    return FileResponse(path, media_type="image/webp", headers={"cache-control": "no-store"})


def _shown(session: ReviewSession) -> dict[str, Any]:
    item, count = session.current, session.count
    told: dict[str, Any] = {"waiting": session.waiting, "accepted": count.accepted, "edited": count.edited}
    told |= {"rejected": count.rejected, "current": None}
    if item is not None:
        verdict = item.verdict
        before = "" if verdict is None else "reject" if verdict.rejected else "edit" if verdict.edited else "accept"
        told["current"] = {
            "shown": item.content, "name": item.entry.file_name, "artist": item.entry.artist, "title": item.entry.title,
            "caption": item.caption, "similarity": item.similarity, "tags": list(item.tags), "dropped": item.dropped,
            "before": before,
        }  # fmt: skip
    return told


def _folder(name: str, studio: Studio) -> FilePath:
    return FilePath(studio.references.resolve("catalogue", name))
