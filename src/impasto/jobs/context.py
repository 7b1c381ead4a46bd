"""The execution context of a job: the callback for its events, the stop request, and the cache of loaded painters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.jobs.events import Event, Failure, Figures, Note, PictureDone, Preview, Progress
from impasto.jobs.painter_pool import PainterPool
from impasto.spreading import HERE, Spread

if TYPE_CHECKING:
    from PIL import Image

    from impasto.painting.provenance.record import Provenance


class StopRequested(KeyboardInterrupt):
    """Raised when `should_stop` returns True. It is handled like Ctrl-C: finished work is kept."""


def _nobody(event: Event) -> None:
    del event


def _never() -> bool:
    return False


@dataclass
class Context:
    """The connection between a job and its caller.

    Attributes:
        on_event: called with every event, on the job's own thread.
        should_stop: called at every progress event; True ends the job with `StoppedError`.
        painters: loaded checkpoints, kept for the next job.
        spread: does the units of a job that is divided: here, or on other processes and machines.
    """

    on_event: Callable[[Event], None] = _nobody
    should_stop: Callable[[], bool] = _never
    painters: PainterPool = field(default_factory=PainterPool)
    spread: Spread = HERE

    def check(self) -> None:
        """Raises StopRequested if the job should end."""
        if self.should_stop():
            raise StopRequested

    def progress(self, stage: str, share: float | None = None, **figures: float) -> None:
        """Reports a `Progress`.

        Raises:
            StopRequested: the job should end.
        """
        self.check()
        self.on_event(Progress(stage, share, figures))

    def count(self, what: str) -> Callable[[int, int], None]:
        """Returns a callback (done, of) that reports the progress "`done` of `of` `what`"."""
        return lambda done, of: self.progress(f"{done} of {of} {what}", done / max(of, 1))

    def note(self, text: object) -> None:
        """Reports a `Note`."""
        self.on_event(Note(str(text)))

    def failure(self, text: object) -> None:
        """Reports a `Failure`."""
        self.on_event(Failure(str(text)))

    def picture_done(
        self, path: Path, seconds: float, provenance: "Provenance | None" = None, **figures: Any
    ) -> None:
        """Reports a `PictureDone`."""
        self.on_event(PictureDone(path, seconds, provenance, figures))

    def preview(self, number: int, steps: int, image: "Image.Image") -> None:
        """Reports a `Preview`."""
        self.on_event(Preview(number, steps, image))

    def figures(self, **values: Any) -> None:
        """Reports `Figures`."""
        self.on_event(Figures(values))
