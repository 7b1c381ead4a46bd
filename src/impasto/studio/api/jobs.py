"""`/api/v1/jobs` and `/api/v1/queue`: jobs are added, looked at and changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from impasto.queue.reading import Counts
from impasto.queue.records import QueuedJob, State, Unit
from impasto.queue.store import HIGHEST_PRIORITY, LONGEST_KEY
from impasto.studio.requests.models import JobRequest, to_job
from impasto.studio.state import StudioOf

router = APIRouter(tags=["jobs"])
Number = Annotated[int, Path(ge=1, lt=2**63, description="the job's number")]
Priority = Annotated[int, Field(ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY, description="higher ones run first")]


class NewJob(BaseModel):
    """A job to be added."""

    model_config = ConfigDict(extra="forbid")

    job: JobRequest
    priority: Priority = 0
    front: bool = Field(False, description="before the others of its priority")
    paused: bool = Field(False, description="whether it waits for `resume`")
    key: str | None = Field(
        None, min_length=1, max_length=LONGEST_KEY,
        description="a key of your own: the same key is accepted once, so that a request may be repeated",
    )  # fmt: skip


class JobState(BaseModel):
    """A job, where it stands, and what it does now."""

    job: QueuedJob
    before: int = Field(description="how many jobs run or wait before it")
    progress: dict[str, Any] | None = Field(None, description="the last progress: stage, share (0 to 1), figures")


class QueueState(BaseModel):
    """The whole queue."""

    counts: Counts
    workers: list[dict[str, Any]]
    last_event: int = Field(description="the number from which on `/api/v1/events` tells what changes after this answer")


class Changed(BaseModel):
    """Whether this request changed something, or how many jobs it did."""

    changed: bool
    count: int | None = None


class Move(BaseModel):
    """A new place: before another job, or at the front or the end of a priority."""

    model_config = ConfigDict(extra="forbid")

    before: int | None = Field(None, ge=1, lt=2**63)
    front: bool = False
    priority: Priority | None = None


@router.post("/jobs", status_code=201)
def add_job(new: NewJob, studio: StudioOf) -> QueuedJob:
    """Accepts a job. When this answers, it is written to the disk, and ends exactly once."""
    return studio.queue.add(
        to_job(new.job, studio.references), priority=new.priority, origin="studio", front=new.front, paused=new.paused,
        request=new.key,
    )  # fmt: skip


@router.get("/jobs")
def list_jobs(
    studio: StudioOf,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 - FastAPI copies it
    kind: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only jobs with lower numbers")] = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[QueuedJob]:
    """Lists jobs, newest first."""
    return studio.queue.jobs(state, before=before, most=most, kinds=kind)


@router.get("/jobs/waiting")
def list_waiting(studio: StudioOf, most: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> list[QueuedJob]:
    """Lists the running jobs, then the queued ones in the order in which they will run."""
    return studio.queue.waiting(most=most)


@router.get("/jobs/{number}")
def get_job(number: Number, studio: StudioOf) -> JobState:
    """Tells a job's state."""
    return JobState(
        job=studio.queue.job(number), before=studio.queue.place(number), progress=studio.queue.last_progress(number)
    )


@router.get("/jobs/{number}/parts")
def get_parts(
    number: Number,
    studio: StudioOf,
    after: Annotated[int, Query(ge=-1, lt=2**63)] = -1,
    most: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[Unit]:
    """Lists the parts of a job that have begun, each with its pictures or its error."""
    studio.queue.job(number)
    return studio.queue.units(number, after=after, most=most)


@router.get("/jobs/{number}/preview", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def get_preview(
    number: Number, studio: StudioOf, picture: Annotated[int, Query(ge=0, lt=100_000)] = 0
) -> Response:
    """Returns the last preview of the picture that is being painted, a JPEG of at most 256 px; 204 if there is none."""
    studio.queue.job(number)
    image = studio.queue.preview(number, picture)
    if image is None:
        return Response(status_code=204)
    return Response(image, media_type="image/jpeg", headers={"cache-control": "no-store"})


@router.post("/jobs/{number}/cancel")
def cancel_job(number: Number, studio: StudioOf) -> Changed:
    """Cancels a job; what a running one has finished is kept."""
    return Changed(changed=studio.queue.cancel(number))


@router.post("/jobs/{number}/pause")
def pause_job(number: Number, studio: StudioOf) -> Changed:
    """Lets a job wait; a running one ends after its present step."""
    return Changed(changed=studio.queue.pause(number))


@router.post("/jobs/{number}/resume")
def resume_job(number: Number, studio: StudioOf) -> Changed:
    """Lets a paused job go on."""
    return Changed(changed=studio.queue.resume(number))


@router.post("/jobs/{number}/retry")
def retry_job(number: Number, studio: StudioOf) -> QueuedJob:
    """Tries a failed or cancelled job again; what it has finished is kept."""
    return studio.queue.retry(number)


@router.post("/jobs/{number}/move")
def move_job(number: Number, to: Move, studio: StudioOf) -> QueuedJob:
    """Changes the place of a waiting job."""
    return studio.queue.move(number, before=to.before, front=to.front, priority=to.priority)


@router.delete("/jobs/{number}")
def clear_job(number: Number, studio: StudioOf) -> Changed:
    """Forgets an ended job; its pictures stay."""
    return Changed(changed=bool(studio.queue.clear(number)))


@router.get("/queue")
def get_queue(studio: StudioOf) -> QueueState:
    """Tells how many jobs there are in each state, and which workers run."""
    last = studio.queue.events.last()  # first: what happens meanwhile is told again rather than not at all
    return QueueState(counts=studio.queue.counts(), workers=studio.queue.workers(), last_event=last)


@router.post("/queue/pause")
def pause_queue(studio: StudioOf) -> Changed:
    """Pauses the whole queue: the picture that is being painted is finished, nothing else begins."""
    return Changed(changed=studio.queue.pause_all())


@router.post("/queue/resume")
def resume_queue(studio: StudioOf) -> Changed:
    """Lets the whole queue go on."""
    return Changed(changed=studio.queue.pause_all(False))


@router.post("/queue/cancel")
def cancel_waiting(studio: StudioOf) -> Changed:
    """Cancels all jobs that wait; running ones go on."""
    count = studio.queue.cancel_waiting()
    return Changed(changed=bool(count), count=count)


@router.post("/queue/clear")
def clear_ended(studio: StudioOf) -> Changed:
    """Forgets all ended jobs; their pictures stay."""
    count = studio.queue.clear()
    return Changed(changed=bool(count), count=count)
