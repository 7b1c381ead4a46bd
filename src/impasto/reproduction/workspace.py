"""The workspace folder of one reproduction: one protocol, one process at a time, and the time of each phase so far."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from impasto.errors import ImpastoError
from impasto.files import write_atomically
from impasto.reproduction.time_bounds import Bound
from impasto.training.runs.folder import RunFolder

PHASES = "phases.json"
_WRITE_EVERY = 10.0  # seconds: the part of a phase's time that a kill can lose
# Called with (name of the step, share of the phase done 0 to 1, figures of a training step).
OnProgress = Callable[[str, float, dict[str, float]], None]


class Workspace(RunFolder):
    """A run folder (`run.json`, a lock, `report.json` at the end) for a reproduction.

    Once it holds paintings, prompts or trainings, it refuses another protocol, artist or number.
    """

    @property
    def has_trained(self) -> bool:
        """Whether the folder holds work that could be lost."""
        return (self.path / PHASES).is_file()

    def file(self, *parts: str) -> Path:
        """Returns the path of a file in this folder; creates the file's parent folders."""
        path = self.path.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def check_space(self, needed: int) -> None:
        """Raises ImpastoError if the disk has fewer than `needed` free bytes."""
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise ImpastoError(
                f"{self.path}: {free / 1e9:.1f} GB are free and about {needed / 1e9:.1f} GB are needed: make room, or give"
                " --out on another disk"
            )


class PhaseTimes:
    """The seconds of every phase, summed over restarts, in `phases.json`."""

    def __init__(self, workspace: Workspace, phases: Sequence[str]) -> None:
        """Reads the times of earlier starts; `phases` are the names of all phases, in order, for the progress lines.

        Raises:
            ImpastoError: the file cannot be read.
        """
        self._path, self._phases = workspace.path / PHASES, list(phases)
        self.seconds: dict[str, float] = {}
        try:
            self.seconds = {str(name): float(value) for name, value in json.loads(self._path.read_text("utf-8")).items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, TypeError):
            raise ImpastoError(f"{self._path} cannot be read: remove it, and the times begin anew") from None

    def bound(self, name: str, bounds: Mapping[str, float]) -> Bound:
        """Returns the time that the phase has left, if `bounds` (phase -> minutes) has it."""
        return Bound.of(bounds.get(name), self.seconds.get(name, 0.0))

    @contextmanager
    def phase(self, name: str, on_progress: OnProgress) -> Iterator[OnProgress]:
        """Context manager that measures the time of a phase.

        It yields a progress callback, which calls `on_progress` with the phase's name and its place among all phases before
        the step: "paint (6 of 8): picture 12".
        """
        shown = f"{name} ({self._phases.index(name) + 1} of {len(self._phases)})" if name in self._phases else name
        before, began = self.seconds.get(name, 0.0), time.monotonic()
        written = 0.0

        def write() -> None:
            nonlocal written
            written = time.monotonic()
            self.seconds[name] = round(before + written - began, 2)
            try:
                write_atomically(self._path, json.dumps(self.seconds, indent=1).encode())
            except OSError as error:
                raise ImpastoError(f"{self._path} cannot be written: {error.strerror}") from None

        def tell(what: str, share: float, figures: dict[str, float]) -> None:
            if time.monotonic() - written >= _WRITE_EVERY:
                write()
            on_progress(what if what.startswith(("skipped ", "lacking ")) else f"{shown}: {what}", share, figures)

        write()
        try:
            tell("beginning", 0.0, {})
            yield tell
        finally:
            write()
