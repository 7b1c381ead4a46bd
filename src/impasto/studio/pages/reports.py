"""What the page Judge asks besides blind pairs: distances and the style probe, copies side by side, reproduced papers."""

import html
import json
import os
import re
import time
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from impasto.errors import UsageError
from impasto.queue.records import QueuedJob, State
from impasto.studio.requests.listed import NAME
from impasto.studio.state import Studio, StudioOf

router = APIRouter(prefix="/pages/judging", include_in_schema=False)
Catalogue = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Name = Annotated[str, Path(pattern=f"^{NAME}$")]
PAPERS = ("wang2023", "wu2022")
_PAGE = {  # of a report: its own style and the pictures in it, and nothing else
    "content-security-policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "cache-control": "no-cache",
}
_HEAD = 20_000  # bytes in which a page's title is


class Measuring(BaseModel):
    """What is measured against which catalogue: everything, or the style probe alone; if asked, with few pictures too."""

    model_config = ConfigDict(extra="forbid")

    catalogue: Catalogue
    what: Literal["all", "probe"] = "all"
    allow_few: bool = False


class Search(BaseModel):
    """A search for copies of a catalogue's works."""

    model_config = ConfigDict(extra="forbid")

    catalogue: Catalogue


class NewReproduction(BaseModel):
    """A paper's tables on a catalogue."""

    model_config = ConfigDict(extra="forbid")

    paper: Literal["wang2023", "wu2022"]
    catalogue: Catalogue
    name: Catalogue
    checkpoint: Annotated[str, StringConstraints(max_length=200)] = "pocket"
    quick: bool = True


@router.post("/distances", status_code=201)
def measure(of: Measuring, studio: StudioOf) -> QueuedJob:
    """Makes the job `evaluate` of the gallery's pictures against a catalogue."""
    from impasto.jobs.judging.evaluate import EvaluateJob

    against = studio.references.resolve("catalogue", of.catalogue)
    measures = ("style",) if of.what == "probe" else None
    job = EvaluateJob(paintings=(studio.workspace.pictures,), against=against, measures=measures, allow_few=of.allow_few)
    return studio.queue.add(job, origin="studio")


@router.get("/reports")
def get_reports(studio: StudioOf) -> list[dict[str, Any]]:
    """Tells what the last measurements found."""
    reports = []
    for job in studio.queue.jobs((State.DONE, State.FAILED), kinds=("evaluate",), most=20):
        units = studio.queue.units(job.id, most=1)
        against = FilePath(json.loads(studio.queue.request(job.id)).get("against", "")).name
        report = units[0].report if units else None
        if report is not None:
            report = {**report, "notes": [_told(note, studio) for note in report["notes"]]}
        told = {"id": job.id, "finished_at": job.finished_at, "error": _told(job.error, studio)}
        reports.append({"job": told, "report": report, "against": against})
    return reports


@router.post("/copies", status_code=201)
def search_copies(of: Search, studio: StudioOf) -> QueuedJob:
    """Makes the job `memorization` of the gallery's pictures and a catalogue."""
    from impasto.jobs.judging.memorization import MemorizationJob

    training = FilePath(studio.references.resolve("catalogue", of.catalogue))
    out = studio.workspace.place("judgements") / f"copies-{time.time_ns() // 1_000_000}-{of.catalogue}.html"
    job = MemorizationJob(paintings=studio.workspace.pictures, training=training, out=out, overwrite=True)
    return studio.queue.add(job, origin="studio")


@router.get("/copies")
def list_copies(studio: StudioOf) -> list[dict[str, Any]]:
    """Lists the pages of pairs, the newest first."""
    folder = studio.workspace.place("judgements")
    pages = [one for one in folder.iterdir() if _is_copies_page(one)]
    return [
        {"name": one.name, "at": one.stat().st_mtime, "heading": _title(one), "catalogue": one.stem.split("-", 2)[2]}
        for one in sorted(pages, key=lambda one: -one.stat().st_mtime)[:50]
    ]


@router.get("/copies/{name}", response_class=FileResponse)
def get_copies(name: Name, studio: StudioOf) -> FileResponse:
    """Returns a page of pairs: each painting beside the work that is most similar to it."""
    path = studio.workspace.place("judgements") / name
    if not _is_copies_page(path):
        raise UsageError("there is no such report")
    return FileResponse(path, media_type="text/html", headers=_PAGE)


@router.post("/reproductions", status_code=201)
def reproduce(new: NewReproduction, studio: StudioOf) -> QueuedJob:
    """Makes the job that reproduces a paper; the same name goes on with what is kept."""
    from impasto.jobs import job_class

    catalogue = FilePath(studio.references.resolve("catalogue", new.catalogue))
    checkpoint = studio.references.resolve("checkpoint", new.checkpoint)
    out = studio.workspace.place("reproductions") / new.name
    job = job_class(f"reproduce/{new.paper}")(catalogue=catalogue, checkpoint=checkpoint, quick=new.quick, out=out)
    return studio.queue.add(job, origin="studio")


@router.get("/reproductions")
def list_reproductions(studio: StudioOf) -> list[dict[str, Any]]:
    """Lists the reproductions of the workspace, each with its table if it is complete."""
    jobs = {}
    for job in studio.queue.jobs(kinds=[f"reproduce/{paper}" for paper in PAPERS], most=200):
        jobs.setdefault(FilePath(json.loads(studio.queue.request(job.id))["out"]).name, job)
    folder = studio.workspace.place("reproductions")
    names = {one.name for one in folder.iterdir() if one.is_dir() and not one.is_symlink() and re.fullmatch(NAME, one.name)}
    return [_reproduction(name, jobs.get(name), studio) for name in sorted(names | set(jobs))]


@router.get("/reproductions/{name}", response_class=FileResponse)
def get_reproduction(name: Name, studio: StudioOf) -> FileResponse:
    """Returns a reproduction's report."""
    page = studio.workspace.place("reproductions") / name / "report" / "report.html"
    if not page.is_file() or page.is_symlink():
        raise UsageError("this reproduction has no report yet")
    return FileResponse(page, media_type="text/html", headers=_PAGE)


def _reproduction(name: str, job: QueuedJob | None, studio: Studio) -> dict[str, Any]:
    folder = studio.workspace.place("reproductions") / name
    page, header, rows = folder / "report" / "report.html", [], []
    try:
        table = json.loads((folder / "report.json").read_text("utf-8"))["table"]
        header, rows = list(map(str, table["header"])), [list(map(str, row)) for row in table["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not complete yet
    told = {"name": name, "has_page": page.is_file(), "title": _title(page) if page.is_file() else "", "header": header}
    return {**told, "rows": rows, "job": None if job is None else job.id, "state": None if job is None else job.state,
            "error": None if job is None else _told(job.error, studio)}  # fmt: skip


def _told(text: str | None, studio: Studio) -> str | None:
    """A sentence about files of the workspace, without the workspace's folder."""
    return None if text is None else text.replace(f"{studio.workspace.folder}{os.sep}", "")


def _is_copies_page(path: FilePath) -> bool:
    return re.fullmatch(r"copies-\d+-.+\.html", path.name) is not None and path.is_file() and not path.is_symlink()


def _title(page: FilePath) -> str:
    try:
        with page.open("rb") as file:
            found = re.search(r"<title>(.*?)</title>", file.read(_HEAD).decode("utf-8", "replace"), re.DOTALL)
    except OSError:
        return ""
    return html.unescape(found.group(1)) if found else ""
