"""The schema of requests, made from the jobs' own classes: the same fields, types and defaults, without paths.

`JobRequest` is the union of all kinds in `KINDS` and of `batch`, told apart by `kind`; `to_job` makes the job of one.
"""

import re
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from impasto.jobs import job_class
from impasto.jobs.base import Job
from impasto.jobs.batch import MOST_COMBINATIONS, BatchJob
from impasto.studio.requests.kinds import KINDS, PAINT, ApiKind
from impasto.studio.requests.recorded import READERS, check_record
from impasto.studio.requests.references import PATTERNS, References

LONGEST_TEXT = 10_000  # characters of a prompt
MOST_ITEMS = 1000  # of a list
_OF_BATCH = ("prompts", "artists", "settings", "seed", "count", "seeds")


def _attributes(doc: str) -> dict[str, str]:
    """The descriptions of fields in a class's docstring."""
    found: dict[str, str] = {}
    for names, text in re.findall(r"^ {8}([a-z_, ]+): (.+(?:\n {12,}.+)*)", doc, re.MULTILINE):
        for name in names.split(","):
            found[name.strip()] = " ".join(text.split())
    return found


def _descriptions(kind: type[BaseModel]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        found |= _attributes(one.__doc__ or "")
    return found


def _fields(kind: str, api: ApiKind, *, optional: bool = False) -> dict[str, Any]:
    job = job_class(kind)
    told, fields = _descriptions(job), {}
    for name in (*api.plain, *api.references):
        info = job.model_fields[name]
        annotation: Any = info.annotation
        if name in api.references:
            word = Annotated[str, StringConstraints(pattern=PATTERNS[api.references[name]])]
            several = "tuple" in str(annotation)
            annotation = Annotated[list[word], Field(max_length=MOST_ITEMS)] if several else word
        elif annotation is str:
            annotation = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
        required = name in api.required and not optional
        default = ... if required else None if optional else _plain_default(info.get_default(call_default_factory=True))
        if name in api.references and not required:
            annotation = annotation | None
            default = None if not isinstance(default, list) or optional else default
        elif optional:
            annotation = annotation | None
        fields[name] = (annotation, Field(default, description=told.get(name)))
    return fields


def _plain_default(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _model(kind: str, api: ApiKind) -> type[BaseModel]:
    name = "".join(word.title() for word in re.split(r"[^a-z0-9]", kind)) + "Request"
    doc = (job_class(kind).__doc__ or "").split("\n", 1)[0]
    fields: dict[str, Any] = {"kind": (Literal[kind], ...), **_fields(kind, api)}
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=doc, **fields)


PaintSettings = create_model(
    "PaintSettings",
    __config__=ConfigDict(extra="forbid"),
    __doc__="Fields of a painting; those left out are as in `base`, or usual.",
    **{
        name: field
        for name, field in _fields("paint", PAINT, optional=True).items()
        if name not in ("seed", "count", "artists", "expand_count", "expand_original", "keep_all", "batch")
    },
)


class BatchRequest(BaseModel):
    """Paints every combination of prompts, artists, settings and seeds; seeds change first."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["batch"]
    base: PaintSettings = Field(default_factory=PaintSettings, description="what all paintings share")  # pyright: ignore
    prompts: list[Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]] = Field([], max_length=MOST_COMBINATIONS)
    artists: list[Annotated[str, StringConstraints(max_length=200)]] = Field([], max_length=MOST_ITEMS)
    settings: list[PaintSettings] = Field([], max_length=MOST_ITEMS)  # pyright: ignore[reportInvalidTypeForm]
    seed: int | None = Field(None, ge=0, description="the first seed; none draws one")
    count: int = Field(1, ge=1, le=MOST_COMBINATIONS, description="how many seeds from it on")
    seeds: list[int] = Field([], max_length=MOST_ITEMS, description="the seeds themselves, in place of `seed` and `count`")


MODELS: dict[str, type[BaseModel]] = {**{kind: _model(kind, api) for kind, api in KINDS.items()}, "batch": BatchRequest}
if TYPE_CHECKING:
    JobRequest = BaseModel
else:
    JobRequest = Annotated[reduce(or_, MODELS.values()), Field(discriminator="kind")]


def to_job(request: BaseModel, references: References) -> Job:
    """Makes the job of a request.

    Raises:
        UsageError: a field does not fit, what it refers to does not exist, or a picture's record names a file that is not
            listed.
    """
    kind: str = request.kind  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(request, BatchRequest):
        fields = {name: getattr(request, name) for name in _OF_BATCH}
        fields["settings"] = tuple(_resolved(one, PAINT, references) for one in request.settings)
        for name in ("prompts", "artists", "seeds"):
            fields[name] = tuple(fields[name])
        return BatchJob(base=_resolved(request.base, PAINT, references), **fields)
    fields = _resolved(request, KINDS[kind], references)
    if kind in READERS:
        check_record(Path(fields["file"]), fields, references.workspace)
    return job_class(kind)(**fields)


def _resolved(request: BaseModel, api: ApiKind, references: References) -> dict[str, Any]:
    """The fields that the client gave, as the job takes them."""
    fields: dict[str, Any] = {}
    for name in request.model_fields_set - {"kind"}:
        value = getattr(request, name)
        if name in api.references:
            value = references.resolve(api.references[name], value)
            if value is None:
                continue
        fields[name] = tuple(value) if isinstance(value, list) else value
    return fields
