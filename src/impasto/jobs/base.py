"""One request of any verb: typed, frozen, checked when it is made, and the same again from JSON.

To add a job: a subclass of `Job` with a `kind`, its fields and `run`, and a row in `impasto.jobs.HOMES`.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from impasto.errors import UsageError
from impasto.jobs.context import Context

KIND, VERSION = "kind", "version"


class Job(BaseModel):
    """What is asked for. Equal jobs ask for the same.

    Making one checks all that needs no file: kinds of values and their ranges. What needs the disk is checked when the job
    runs, before anything is loaded: a job may wait in a queue, on another machine than the one that runs it.

    Raises:
        UsageError: a field is unknown, of a wrong kind or out of its range; the message names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False, validate_default=False)
    kind: ClassVar[str]
    version: ClassVar[int] = 1

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise UsageError(_sentence(self.kind, error)) from None

    def run(self, context: Context) -> Any:
        """Does the job; returns what it made, a typed value that each job names.

        Raises:
            ImpastoError: it failed; the message is one sentence.
            StoppedError: it was stopped; the message says what was kept.
        """
        raise NotImplementedError

    def to_json(self) -> str:
        """The job as one JSON object: its fields, `kind` and `version`."""
        return json.dumps({KIND: self.kind, VERSION: self.version, **self.model_dump(mode="json")}, ensure_ascii=False)

    @classmethod
    def upgrade(cls, version: int, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of an older version in today's words.

        Raises:
            UsageError: that version cannot be read any more.
        """
        raise UsageError(f"a {cls.kind} job of version {version} cannot be read: this is version {cls.version}")

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The job of a JSON object without its `kind`.

        Raises:
            UsageError: fields or version are not this job's.
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


def _sentence(kind: str, error: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the job"
    given = "" if first["type"] in ("missing", "extra_forbidden") else f" {str(first['input'])[:80]!r}"
    message = first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "extra_forbidden":
        message = "there is no such field"
    return f"{kind} job, {field}{given}: {message}"
