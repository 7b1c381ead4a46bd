"""Typed events that a job reports while it runs, for a terminal, a web page or a queue. Events contain no torch objects."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

    from impasto.painting.provenance.record import Provenance


@dataclass(frozen=True)
class Progress:
    """The progress of the job.

    Attributes:
        stage: the present step, in a few words: "loading", "2 of 8".
        share: share done of the stage or the whole job, 0 to 1; None if it is unknown.
        figures: current values by name: `loss`, `pictures_per_second`.
    """

    stage: str
    share: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A sentence for the user; the job continues."""

    text: str


@dataclass(frozen=True)
class Failure:
    """One of many inputs failed; `text` is one sentence. The job continues with the others and fails at its end."""

    text: str


@dataclass(frozen=True)
class PictureDone:
    """A picture is finished and saved.

    Attributes:
        path: its file.
        seconds: seconds since the job began to paint.
        provenance: the record of how it was made; None for pictures that are not painted here.
        figures: further values, as JSON types.
    """

    path: Path
    seconds: float
    provenance: "Provenance | None" = None
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """An intermediate preview of a picture.

    Attributes:
        number: index of the picture in its job, from 0.
        steps: number of steps done.
        image: RGB, at most 256 px a side.
    """

    number: int
    steps: int
    image: "Image.Image"


@dataclass(frozen=True)
class Figures:
    """Measured values by name, reported as soon as they are known; JSON types."""

    values: dict[str, Any]


Event = Progress | Note | Failure | PictureDone | Preview | Figures
