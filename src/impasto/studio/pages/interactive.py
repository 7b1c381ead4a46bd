"""What the page Paint asks while one types: a preview, expansions, what wildcards become."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from impasto.errors import ImpastoError, UsageError
from impasto.studio.helper.process import Busy, Helper, Replaced
from impasto.studio.pages.paint_request import PaintRequest
from impasto.studio.requests.models import to_job
from impasto.studio.state import StudioOf

router = APIRouter(prefix="/pages", include_in_schema=False)
helper = Helper()
PREVIEW_STEPS = 6  # of the usual sampler, for checkpoints without a few-step student
Prompt = Annotated[str, StringConstraints(max_length=10_000)]


class Expand(BaseModel):
    """What is expanded."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    method: str = Field("wu2022", pattern="^(wu2022|wang2023)$")
    count: int = Field(5, ge=1, le=20)
    seed: int = Field(0, ge=0, lt=2**32)


class Template(BaseModel):
    """A prompt with wildcards."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    seed: int = Field(0, ge=0, lt=2**63)
    count: int = Field(6, ge=1, le=1000)


@router.post("/preview")
def preview(asked: PaintRequest, request: Request, studio: StudioOf) -> Response:
    """Paints a preview in few steps: by the checkpoint's student, or else with few steps of its usual sampler.

    204 if a newer one of the same page was asked for meanwhile.
    """
    plain = {"count": 1, "preview_every": 0, "best_of": 1, "artists": [], "expand": "off", "expand_count": None}
    fields = asked.model_copy(update={name: value for name, value in plain.items() if name in asked.model_fields_set})
    client = request.headers.get("x-page", "")[:40] or getattr(request.state, "session", None) or ""
    few = {"sampler": None, "guidance": None, "guider": None, "guidance_interval": None, "steps": None}
    job = to_job(fields, studio.references).model_copy(update=few)
    own = getattr(job, "checkpoint", "") == "pocket" and _has_student()
    job = job.model_copy(update={"sampler": "lcm"} if own else {"steps": PREVIEW_STEPS})
    try:
        answer = helper.ask("preview", job, client=client)
    except Replaced:
        return Response(status_code=204)
    except Busy:
        raise
    except ImpastoError as error:
        raise UsageError(str(error)) from None
    headers = {"cache-control": "no-store", "x-painted-by": "student" if own else "few steps"}
    return Response(base64.b64decode(answer["image"]), media_type="image/webp", headers=headers)


@router.post("/expand")
def expand(asked: Expand) -> dict[str, Any]:
    """Finds richer prompts, each with its score and the terms of the score."""
    from impasto.jobs.painting.expand import ExpandJob

    try:
        return helper.ask("expand", ExpandJob(**asked.model_dump()))
    except Busy:
        raise
    except ImpastoError as error:
        raise UsageError(str(error)) from None


@router.post("/wildcards")
def wildcards(asked: Template) -> dict[str, Any]:
    """Tells what the next seeds make of a prompt with wildcards."""
    from impasto.prompts.wildcards import has_wildcards, resolve_wildcards

    if not has_wildcards(asked.prompt):
        return {"found": []}
    notes: list[str] = []
    found = [
        resolve_wildcards(asked.prompt, asked.seed + n, say=notes.append if n == 0 else lambda note: None)
        for n in range(asked.count)
    ]
    return {"found": found, "notes": notes}


@router.get("/wildcards")
def wildcard_names() -> dict[str, int]:
    """Lists the names of wildcards that ship, each with its number of values."""
    from impasto.prompts.parts import PARTS, known_values

    return {part: len(known_values(part)) for part in PARTS}


def _has_student() -> bool:
    from impasto.adapters.lora.files import POCKET_STUDENT, find_lora

    return find_lora(POCKET_STUDENT) is not None
