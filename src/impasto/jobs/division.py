"""Which jobs give their work in units to the context's `Spread`, and what a job is called in a list."""

from pathlib import Path
from typing import Any

from impasto.jobs.base import Job
from impasto.jobs.batch import BatchJob

# What is a unit: of tag and evaluate, 64 pictures that are encoded; of caption, 64 captions; of paint, the pictures that
# are painted at once; of batch, a combination; of a training of several artists, an artist; of a reproduction, all of these.
SPREAD_KINDS = (
    "caption", "tag", "paint", "batch", "evaluate", "train/wang2023-artists", "train/wang2023-masters",
    "reproduce/wang2023",
)  # fmt: skip


def title(job: Job) -> str:
    """Returns a few words that tell the job from others of its kind, at most 120 characters."""
    fields: dict[str, Any] = dict(job)
    if isinstance(job, BatchJob):
        prompt = job.prompts[0] if job.prompts else str(job.base.get("prompt", ""))
        count = f" ({job.total} paintings)"
        return (_shortened(prompt, _MOST - len(count)) or job.kind) + count
    text = str(fields.get("prompt") or "") or next((_words(fields[one]) for one in _TELLING if fields.get(one)), "")
    return _shortened(text, _MOST) or job.kind


_MOST = 120  # characters


def _shortened(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


_TELLING = ("file", "pictures", "catalogue", "against", "training", "folder", "paintings", "artist", "out")


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_words, value[:3])) + (", …" if len(value) > 3 else "")
    return value.name if isinstance(value, Path) else str(value)
