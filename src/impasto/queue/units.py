"""Divides a job into units: the parts that it does one after the other, each of which is finished or begun again.

| kind | unit |
|---|---|
| paint (no series), inpaint, outpaint | one picture; `batch` pictures if the job names a batch |
| batch | one combination |
| upscale | one picture |
| paint with several artists or extensions | the whole series with its sheet |
| any other | the whole job |
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.jobs.base import Job
from impasto.jobs.batch import BatchJob
from impasto.jobs.editing.editing_job import EditingJob
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.upscale import UpscaleJob

# Kinds that write pictures wherever `out` says: in the queue, into the unit's own folder first.
STAGED = ("paint", "batch", "inpaint", "outpaint", "repaint", "edit", "upscale", "attention", "control-map")
MOST_UNITS = 100_000


def settled(job: Job) -> Job:
    """Returns the job with its seed drawn, if it has one that is not given: so that a repeated unit is the same picture."""
    if isinstance(job, BatchJob):
        return job.settled()
    if "seed" in type(job).model_fields and job.kind in ("paint", "inpaint", "outpaint") and getattr(job, "seed", 0) is None:
        return job.model_copy(update={"seed": secrets.randbelow(2**32)})
    return job


def is_staged(job: Job) -> bool:
    """Whether the job's pictures are written to a folder of the unit first, and get their names when it is finished."""
    return job.kind in STAGED


@dataclass(frozen=True)
class Plan:
    """The units of a job, which must be settled."""

    job: Job

    @property
    def group(self) -> int:
        """The number of pictures in a unit."""
        return getattr(self.job, "batch", None) or 1

    @property
    def total(self) -> int:
        """The number of units, 1 to 100,000."""
        job = self.job
        if isinstance(job, BatchJob):
            return job.total
        if isinstance(job, UpscaleJob):
            return len(job.pictures)
        if isinstance(job, EditingJob) or (isinstance(job, PaintJob) and not job.is_series):
            return -(-job.count // self.group)
        return 1

    def unit(self, number: int, out: Path | None = None) -> Job:
        """Returns the job that does unit `number`, from 0, and writes to `out` if the kind is staged.

        Raises:
            UsageError: the unit's fields do not fit.
        """
        job, to = self.job, {} if out is None else {"out": out}
        if isinstance(job, BatchJob):
            return job.unit(number).model_copy(update=to)
        if isinstance(job, UpscaleJob):
            return job.model_copy(update={"pictures": (job.pictures[number],), **to})
        if isinstance(job, PaintJob) and not job.is_series:
            first = number * self.group
            count = min(self.group, job.count - first)
            return job.model_copy(update={"count": count, "seed": (job.seed or 0) + first * job.best_of, **to})
        if isinstance(job, EditingJob):
            first = number * self.group
            count = min(self.group, job.count - first)
            return job.model_copy(update={"count": count, "seed": (job.seed or 0) + first, **to})
        return job.model_copy(update=to) if is_staged(job) else job


def title(job: Job) -> str:
    """Returns a few words that tell the job from others of its kind, at most 120 characters."""
    fields: dict[str, Any] = dict(job)
    if isinstance(job, BatchJob):
        prompt = job.prompts[0] if job.prompts else str(job.base.get("prompt", ""))
        text = f"{prompt} ({job.total} paintings)"
    else:
        text = str(fields.get("prompt") or "") or next((_words(fields[one]) for one in _TELLING if fields.get(one)), "")
    text = " ".join(text.split()) or job.kind
    return text if len(text) <= 120 else text[:119] + "…"


_TELLING = ("file", "pictures", "catalogue", "against", "training", "folder", "artist", "out")


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_words, value[:3])) + (", …" if len(value) > 3 else "")
    return value.name if isinstance(value, Path) else str(value)
