"""What a job reports while it runs: typed events for a terminal, a web page or a queue. No event carries torch objects."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

    from impasto.painting.provenance.record import Provenance


@dataclass(frozen=True)
class Progress:
    """How far the job is.

    Attributes:
        stage: what it does now, in a few words: "loading", "2 of 8".
        share: of the stage or the whole job, 0 to 1; None where nobody can tell.
        figures: of this moment, by name: `loss`, `pictures_per_second`.
    """

    stage: str
    share: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A sentence for the user; the job goes on."""

    text: str


@dataclass(frozen=True)
class Failure:
    """One of many inputs failed, in a sentence; the job goes on with the others and fails at its end."""

    text: str


@dataclass(frozen=True)
class PictureDone:
    """A picture is finished and lies on the disk.

    Attributes:
        path: its file.
        seconds: since the job began to paint.
        provenance: how it was made; None for pictures that are not painted here.
        figures: what else there is to say of it, JSON values.
    """

    path: Path
    seconds: float
    provenance: "Provenance | None" = None
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """How a picture looks by now.

    Attributes:
        number: of the picture in its job, from 0.
        steps: that are done.
        image: RGB, at most 256 px a side.
    """

    number: int
    steps: int
    image: "Image.Image"


@dataclass(frozen=True)
class Figures:
    """Measured values, as soon as they are known, by name; JSON values."""

    values: dict[str, Any]


Event = Progress | Note | Failure | PictureDone | Preview | Figures
