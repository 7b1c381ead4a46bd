"""What the page Runs asks: trainings with their losses and validation pictures, stopped and resumed."""

import json
import re
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from impasto.errors import UsageError
from impasto.queue.records import QueuedJob, State
from impasto.studio.requests.kinds import KINDS
from impasto.studio.requests.listed import NAME
from impasto.studio.state import Studio, StudioOf

router = APIRouter(prefix="/pages", include_in_schema=False)
MOST_POINTS = 400
Name = Annotated[str, Path(pattern=f"^{NAME}$")]
Step = Annotated[int, Path(ge=0, lt=10**12)]
_TRAININGS = [kind for kind in KINDS if kind.startswith("train/")]


@router.get("/runs")
def list_all(studio: StudioOf) -> list[dict[str, Any]]:
    """Lists the trainings of the workspace, the latest first."""
    from impasto.training.runs.listing import list_runs

    return [_summary(one) for one in list_runs(studio.workspace.place("runs"))]


@router.get("/runs/{name}")
def get_run(name: Name, studio: StudioOf) -> dict[str, Any]:
    """Tells a training's losses, its validation pictures and its job."""
    from impasto.adapters.lora.files import find_lora
    from impasto.training.runs.listing import loss_courses, read_run

    folder = _folder(name, studio)
    info, job = read_run(folder), _job_of(folder, studio)
    sheets = sorted(int(found.group(1)) for one in _sheets(folder) if (found := re.fullmatch(r"step-(\d+)\.png", one.name)))
    course = [{"name": one.name, "values": list(one.parts)} for one in loss_courses(folder, MOST_POINTS)]
    prompts = folder / "validation" / "prompts.txt"
    return {
        **_summary(info), "courses": course, "validation": sheets, "job": None if job is None else job.id,
        "job_state": None if job is None else job.state, "paused": job is not None and job.paused,
        "checkpoint": (folder / "checkpoint" / "model_index.json").is_file() or (folder / "model_index.json").is_file(),
        "lora": find_lora(folder) is not None, "choices": info.record.choices if info.record is not None else {},
        "prompts": prompts.read_text("utf-8", "replace").splitlines()[:100] if prompts.is_file() else [],
    }  # fmt: skip


@router.get("/runs/{name}/validation/{step}", response_class=FileResponse)
def get_sheet(name: Name, step: Step, studio: StudioOf) -> FileResponse:
    """Returns the validation pictures of a step."""
    for one in _sheets(_folder(name, studio)):
        if re.fullmatch(rf"step-0*{step}\.png", one.name):
            return FileResponse(one, media_type="image/png", headers={"cache-control": "no-cache"})
    raise UsageError("there are no validation pictures of this step")


@router.post("/runs/{name}/stop")
def stop(name: Name, studio: StudioOf) -> dict[str, bool]:
    """Lets a training end after its present step; one of the queue is paused."""
    from impasto.training.runs.folder import RunFolder

    folder = _folder(name, studio)
    job = _job_of(folder, studio)
    if job is not None and job.state in (State.QUEUED, State.RUNNING):
        return {"changed": studio.queue.pause(job.id)}
    run = RunFolder(folder)
    if not run.is_running:
        return {"changed": False}
    run.request_stop()
    return {"changed": True}


@router.post("/runs/{name}/resume")
def resume(name: Name, studio: StudioOf) -> QueuedJob:
    """Lets a training of the queue go on."""
    from impasto.jobs import job_from_json

    job = _job_of(_folder(name, studio), studio)
    if job is None:
        raise UsageError("this training was begun on the command line: `impasto runs resume` goes on with it")
    if job.state in (State.QUEUED, State.RUNNING):
        studio.queue.resume(job.id)
        return studio.queue.job(job.id)
    if job.state in (State.FAILED, State.CANCELLED):
        return studio.queue.retry(job.id)
    return studio.queue.add(job_from_json(studio.queue.request(job.id)), origin="studio")


def _summary(info: Any) -> dict[str, Any]:
    return {
        "name": info.path.name, "recipe": info.recipe, "status": info.status, "step": info.step, "share": info.share,
        "loss": info.loss, "seconds": info.seconds, "changed": info.changed,
    }  # fmt: skip


def _folder(name: str, studio: Studio) -> FilePath:
    folder = studio.workspace.place("runs") / name
    if not folder.is_dir() or folder.is_symlink():
        raise UsageError(f"there is no training {name!r} in the workspace")
    return folder


def _sheets(folder: FilePath) -> list[FilePath]:
    inside = folder / "validation"
    return [one for one in inside.iterdir() if one.is_file() and not one.is_symlink()] if inside.is_dir() else []


def _job_of(folder: FilePath, studio: Studio) -> QueuedJob | None:
    """The newest job of the queue that trains in this folder."""
    for job in studio.queue.jobs(kinds=_TRAININGS, most=1000):
        if json.loads(studio.queue.request(job.id)).get("out") == str(folder):
            return job
    return None
