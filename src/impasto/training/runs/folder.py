"""A run's folder: one recipe, one process at a time, and a request to stop that the loop hears."""

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
LOCK = ".lock"
# Who lists runs holds a lock for an instant, to see whether it is free.
_PATIENCE = 0.5  # seconds
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Status = Literal["running", "complete", "stopped", "begun"]


class RunFolder:
    """The folder of one run.

    It holds `run.json` (see `RunRecord`), `losses.jsonl`, `state-<step>.pt`, what was made, and `report.json` once that is
    whole. `begin` takes it for this process; `close`, the end of a `with`, or the process's end gives it back.

    Attributes:
        path: the folder, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock: IO[str] | None = None
        self._asked = self._listens = False
        self._made: list[Path] = []  # folders that were not there before, the innermost first
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
        """Takes the folder for this process, for a new run or to go on with the one that is there.

        `choices` is a dataclass, or a mapping of its fields; those named `changeable`, such as how long to train, may be
        others at the next start: a run that was complete goes on then. From here on Ctrl-C and SIGTERM make `should_stop`
        true; before that has been asked for the first time, and at the second one, they interrupt.

        Raises:
            UsageError: another process trains here; the folder holds another recipe's run, or one with another seed or
                other choices that has trained already; it holds files and no run.
            ImpastoError: its record cannot be read, or the disk refuses.
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
        """Goes with the process that has begun this run and trains it together with this one; it writes nothing.

        Ctrl-C and SIGTERM do what they do after `begin`: the processes agree on the step to stop at.
        """
        self._listen()
        return self

    def _go_on(self, was: RunRecord, wanted: RunRecord, changeable: Collection[str]) -> None:
        if not self.has_trained and not self.is_complete:
            wanted.write(self.path)  # nothing is lost by beginning otherwise
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
            (self.path / REPORT).unlink(missing_ok=True)  # it is of the run as it was; before run.json says otherwise
            replace(wanted, begun=was.begun).write(self.path)

    def _refuse_foreign(self) -> None:
        if self.has_trained or self.is_complete:
            return  # begun before runs had records
        foreign = sorted(p.name for p in self.path.iterdir() if p.name != LOCK and not p.name.startswith(f".{RECORD}."))
        if foreign:
            (self.path / LOCK).unlink(missing_ok=True)  # nothing of ours stays in a folder that is not ours
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
            except (BlockingIOError, FileNotFoundError):  # held; or whoever held it took the folder away
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
        """Gives the folder back, and signals their usual meaning."""
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
        """A request that was refused leaves no run behind."""
        for name in (RECORD, STOP, LOCK):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # one holds something else
            for folder in self._made or [self.path]:
                folder.rmdir()

    @property
    def is_complete(self) -> bool:
        """Whether all of it is done and whole: there is a report."""
        return (self.path / REPORT).is_file()

    @property
    def has_trained(self) -> bool:
        """Whether there is a step that could be lost."""
        folders = (self.path, *self.path.glob("phases/*"))  # recipes of several phases keep those apart
        return any((folder / LOSSES).is_file() or any(folder.glob("state-*.pt")) for folder in folders)

    @property
    def is_running(self) -> bool:
        """Whether a process, this one included, has begun it and not ended."""
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
        """The number of the process that trains here, or did last."""
        try:
            return int((self.path / LOCK).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def status(self) -> Status:
        """What the files say; it is stored nowhere."""
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
        """Takes the request back, where one is left."""
        (self.path / STOP).unlink(missing_ok=True)

    def should_stop(self) -> bool:
        """Whether to write the state and end now: asked by a signal, or by `request_stop` in any process."""
        self._listens = True
        return self._asked or (self.path / STOP).exists()

    def _listen(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread can; the file asks as well
        for number in _SIGNALS:
            self._handlers[number] = signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked or not self._listens:
            raise KeyboardInterrupt
        self._asked = True
