"""The folder of a training run: holds one recipe's run, locks it for one process and passes stop requests to the loop."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Literal, Self

from impasto import __version__
from impasto.errors import ImpastoError, UsageError
from impasto.training.loop.figures import LOSSES
from impasto.training.runs.record import RECORD, RunRecord, first_difference, plain_choices, read_record

REPORT = "report.json"
STOP = "stop-requested"
PICTURES = "pictures.json"  # what the last start trained on: name -> hashes of picture and texts
LOCK = ".lock"
# How long to wait for the lock: a process that lists runs holds it for an instant, to see whether it is free.
_PATIENCE = 0.5  # seconds
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Status = Literal["running", "complete", "stopped", "begun"]


class RunFolder:
    """The folder of one run.

    It holds `run.json` (see `RunRecord`), `losses.jsonl`, `state-<step>.pt`, the run's output, and `report.json` once the
    output is whole. `begin` locks it for this process; `close`, the end of a `with`, or the process's end releases it.

    Attributes:
        path: the folder, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock: IO[str] | None = None
        self._asked = self._listens = False
        self._made: list[Path] = []  # folders that did not exist before, the innermost first
        self._handlers: dict[signal.Signals, Any] = {}

    def begin(
        self,
        recipe: str,
        arguments: Sequence[str],
        choices: object,
        seed: int,
        *,
        changeable: Collection[str] = (),
    ) -> Self:
        """Locks the folder for this process, for a new run or to resume the existing one.

        `choices` is a dataclass, or a mapping of its fields. The fields named in `changeable`, such as how long to train,
        may differ at the next start; a complete run then continues. From here on Ctrl-C and SIGTERM make `should_stop`
        return true. Before its first call, and at the second signal, they interrupt.

        Raises:
            UsageError: another process trains here; the folder holds another recipe's run, or one with another seed or
                other choices that has trained already; it holds files and no run.
            ImpastoError: its record cannot be read, or the disk cannot be written.
        """
        wanted = RunRecord(
            recipe=recipe,
            arguments=tuple(arguments),
            choices=plain_choices(choices),
            seed=seed,
            begun=datetime.now(UTC).isoformat(timespec="seconds"),
            impasto=__version__,
            directory=str(Path.cwd()),
        )
        self._take()
        try:
            was = read_record(self.path)
            if was is None:
                self._refuse_foreign()
                wanted.write(self.path)
            else:
                self._go_on(was, wanted, changeable)
            self.withdraw_stop()
        except BaseException:
            self.close()
            raise
        self._listen()
        return self

    def follow(self) -> Self:
        """Joins a run that another process has begun, to train it together with that process; writes nothing.

        Ctrl-C and SIGTERM act as after `begin`: the processes agree on the step to stop at.
        """
        self._listen()
        return self

    def _go_on(self, was: RunRecord, wanted: RunRecord, changeable: Collection[str]) -> None:
        if not self.has_trained and not self.is_complete:
            wanted.write(self.path)  # nothing is lost by beginning with other choices
            return
        if was.recipe != wanted.recipe:
            raise UsageError(f"{self.path} holds a run of {was.recipe}, not {wanted.recipe}: give another folder")
        found = first_difference(was.choices, wanted.choices, changeable)
        if found is None and was.seed != wanted.seed:
            found = "seed", was.seed, wanted.seed
        if found is not None:
            name, had, asked = found
            raise UsageError(
                f"{self.path} holds a run of {was.recipe} with {name} {had}, not {asked}: give that or another folder"
            )
        if first_difference(was.choices, wanted.choices) is not None:
            (self.path / REPORT).unlink(missing_ok=True)  # it describes the earlier run; removed before run.json changes
            replace(wanted, begun=was.begun).write(self.path)

    def _refuse_foreign(self) -> None:
        if self.has_trained or self.is_complete:
            return  # a run that was begun before runs had records
        foreign = sorted(p.name for p in self.path.iterdir() if p.name != LOCK and not p.name.startswith(f".{RECORD}."))
        if foreign:
            (self.path / LOCK).unlink(missing_ok=True)  # leave no file in a folder that is not a run's
            raise UsageError(f"{self.path} holds {foreign[0]} and no run: give a new or empty folder")

    def _take(self) -> None:
        """Locks the folder for this process."""
        if self._lock is not None:
            raise RuntimeError(f"{self.path} was begun already")
        patience = time.monotonic() + _PATIENCE
        path = self.path / LOCK
        self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        while True:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                lock = path.open("a+", encoding="utf-8")
            except OSError as error:
                raise ImpastoError(f"{self.path} cannot be written: {error.strerror}") from None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                    break
            except (BlockingIOError, FileNotFoundError):  # locked; or the process that had locked it removed the folder
                pass
            except OSError as error:
                raise ImpastoError(f"{path} cannot be locked: {error.strerror}") from None
            lock.close()
            if time.monotonic() > patience:
                raise UsageError(
                    f"{self.path} is being trained by process {self.process}: wait, or `impasto runs stop {self.path}`"
                )
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def close(self) -> None:
        """Releases the folder and restores the previous signal handlers."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        if self._lock is not None:
            self.withdraw_stop()
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, ImpastoError) and self._lock is not None and not self.has_trained and not self.is_complete:
            self._withdraw()
        self.close()

    def _withdraw(self) -> None:
        """Removes the run's files, so that a refused request leaves no run behind."""
        for name in (RECORD, STOP, LOCK, PICTURES):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # a folder holds other files
            for folder in self._made or [self.path]:
                folder.rmdir()

    @property
    def is_complete(self) -> bool:
        """Whether the run is complete: it has a report."""
        return (self.path / REPORT).is_file()

    @property
    def has_trained(self) -> bool:
        """Whether the run has done a step that could be lost."""
        folders = (self.path, *self.path.glob("phases/*"))  # recipes of several phases keep them in separate folders
        return any((folder / LOSSES).is_file() or any(folder.glob("state-*.pt")) for folder in folders)

    @property
    def is_running(self) -> bool:
        """Whether a process, this one included, has begun the run and not ended."""
        try:
            with (self.path / LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError as error:
            raise ImpastoError(f"{self.path / LOCK} cannot be read: {error.strerror}") from None
        return False

    @property
    def process(self) -> int | None:
        """The ID of the process that trains here, or did last; None if unknown."""
        try:
            return int((self.path / LOCK).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def status(self) -> Status:
        """The status, derived from the files; it is stored nowhere."""
        if self.is_running:
            return "running"
        if self.is_complete:
            return "complete"
        return "stopped" if self.has_trained else "begun"

    def request_stop(self) -> None:
        """Asks the process that trains here to write its state and end.

        Raises:
            ImpastoError: the request cannot be written.
        """
        try:
            (self.path / STOP).touch()
        except OSError as error:
            raise ImpastoError(f"{self.path / STOP} cannot be written: {error.strerror}") from None

    def withdraw_stop(self) -> None:
        """Removes the stop request, if there is one."""
        (self.path / STOP).unlink(missing_ok=True)

    def should_stop(self) -> bool:
        """Returns whether to write the state and end now, as requested by a signal or by `request_stop` in any process."""
        self._listens = True
        return self._asked or (self.path / STOP).exists()

    def _listen(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread can set signal handlers; the stop file works as well
        for number in _SIGNALS:
            self._handlers[number] = signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked or not self._listens:
            raise KeyboardInterrupt
        self._asked = True
