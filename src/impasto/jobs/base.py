"""The base class of all jobs: a typed, immutable request that is validated on creation and convertible to and from JSON.

To add a job: a subclass of `Job` with a `kind`, its fields and `run`, and a row in `impasto.jobs.HOMES`.
"""

import json
import math
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from impasto.errors import UsageError
from impasto.jobs.context import Context

KIND, VERSION = "kind", "version"


class Job(BaseModel):
    """A request to run one verb. Equal jobs are the same request.

    The constructor checks everything that needs no file: types and ranges of values. Checks that need the disk are done when
    the job runs, before anything is loaded, because a job may wait in a queue on another machine than the one that runs it.
    Exceptions are the file of the expansion's settings, whose content is as good as fields, and the safety checker's folder:
    both must be there when the job is made.

    Raises:
        UsageError: a field is unknown, has a wrong type or is out of its range; the message names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]
    version: ClassVar[int] = 1

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**{name: _paths_as_text(value) for name, value in fields.items()})
        except ValidationError as error:
            raise UsageError(_sentence(self.kind, error)) from None
        for name, value in self:
            if isinstance(value, PurePath) and "\0" in str(value):
                raise UsageError(f"{self.kind} job, {name} {str(value)[:80]!r}: a path cannot hold the character U+0000")

    @abstractmethod
    def run(self, context: Context) -> Any:
        """Runs the job and returns its result; each job class defines the type.

        Raises:
            ImpastoError: the job failed; the message is one sentence.
            StoppedError: the job was stopped; the message states what was kept.
        """

    def to_json(self) -> str:
        """Returns the job as one JSON object: its fields, `kind` and `version`.

        Raises:
            UsageError: a number is infinite or NaN, for which JSON has no value.
        """
        for name, value in self:
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{self.kind} job, {name} {value}: use a finite number")
        return json.dumps({KIND: self.kind, VERSION: self.version, **self.model_dump(mode="json")}, ensure_ascii=False)

    @classmethod
    def upgrade(cls, version: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Converts the fields of an older version to the present version.

        Raises:
            UsageError: the older version is not supported any more.
        """
        raise UsageError(f"a {cls.kind} job of version {version} cannot be read: this is version {cls.version}")

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Creates the job from the fields of a JSON object without its `kind`.

        Raises:
            UsageError: the fields or the version do not fit this job.
        """
        given = dict(fields)
        version = given.pop(VERSION, cls.version)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise UsageError(f"a {cls.kind} job's version is {version!r}, not a number from 1 on")
        if version > cls.version:
            raise UsageError(
                f"a {cls.kind} job of version {version} comes from a newer impasto: this one reads up to {cls.version}"
            )
        return cls(**(given if version == cls.version else cls.upgrade(version, given)))


def _paths_as_text(value: Any) -> Any:
    """Converts paths to text, also in a list, because a field such as `checkpoint` or `lora` holds a path or a name."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple(map(_paths_as_text, value))
    return value


def _sentence(kind: str, error: ValidationError) -> str:
    """The first validation error, in one line."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the job"
    given = "" if first["type"] in ("missing", "extra_forbidden") else f" {repr(first['input'])[:80]}"
    message = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "extra_forbidden":
        message = "there is no such field"
    elif first["type"] == "tuple_type":
        message = "use a list"
    return f"{kind} job, {field}{given}: {message}"
