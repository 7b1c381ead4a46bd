"""`/sdapi/v1/progress`, `interrupt` and `skip`: of the request that this API is painting."""

import base64
import io
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from impasto.errors import ImpastoError
from impasto.queue.records import ENDED
from impasto.studio.clients.a1111.state import A1111Of, A1111State, ActiveRequest
from impasto.studio.state import Studio, StudioOf

router = APIRouter()
_BEGUN = 0.01  # what A1111 tells of a request that has just begun


class JobState(BaseModel):
    """Where the present request stands."""

    skipped: bool = False
    interrupted: bool = False
    stopping_generation: bool = False
    job: str = ""
    job_count: int = 0
    job_timestamp: str = "0"
    job_no: int = 0
    sampling_step: int = 0
    sampling_steps: int = 0


class ProgressAnswer(BaseModel):
    """The progress of the present request; 0 and no jobs if there is none."""

    progress: float
    eta_relative: float
    state: JobState
    current_image: str | None = None
    textinfo: str | None = None
    current_task: str | None = None


@router.get("/progress")
def get_progress(studio: StudioOf, state: A1111Of, skip_current_image: Annotated[bool, Query()] = False) -> ProgressAnswer:
    """Tells how far the present request is, with the picture as far as it is painted."""
    request = state.present()
    if request is None:
        return ProgressAnswer(progress=0.0, eta_relative=0.0, state=JobState())
    done, share, number = _standing(request, studio, state)
    progress = min(1.0, max(_BEGUN, (done + share) / len(request.numbers)))
    seconds = time.time() - request.began
    return ProgressAnswer(
        progress=progress, eta_relative=seconds / progress - seconds,
        state=JobState(
            skipped=request.skipped, interrupted=request.interrupted, job=f"job {number}" if number else "",
            job_count=len(request.numbers), job_no=done, sampling_step=round(share * request.steps),
            sampling_steps=request.steps, job_timestamp=time.strftime("%Y%m%d%H%M%S", time.localtime(request.began)),
        ),
        current_image=None if skip_current_image or number is None else _preview(studio, number),
        textinfo=None if number else "waits in the queue", current_task=f"job {number}" if number else None,
    )  # fmt: skip


def _standing(request: ActiveRequest, studio: Studio, state: A1111State) -> tuple[int, float, int | None]:
    """The number of pictures that have ended, the share done of the present one, and its job."""
    done = 0
    for number in request.numbers:
        try:
            done += studio.queue.job(number).state in ENDED
        except ImpastoError:
            done += 1  # cleared
    number = state.running(request)
    share = 0.0
    if number is not None:
        told: dict[str, Any] = studio.queue.last_progress(number) or {}
        share = float(told.get("share") or 0.0)
    return done, min(max(share, 0.0), 1.0), number


def _preview(studio: Studio, number: int) -> str | None:
    data = studio.queue.preview(number)
    if data is None:
        return None
    from PIL import Image

    file = io.BytesIO()  # clients say that it is a PNG
    Image.open(io.BytesIO(data)).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


@router.post("/interrupt")
def interrupt(state: A1111Of) -> dict[str, Any]:
    """Ends the present request: it answers with the pictures that are finished."""
    state.interrupt()
    return {}


@router.post("/skip")
def skip(state: A1111Of) -> None:
    """Leaves out the picture that is being painted; the others of its request follow."""
    state.skip()
